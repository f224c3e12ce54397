// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/work_ring.h"

#include <system_error>

namespace lifeboat {

WorkRing::WorkRing(std::size_t threads, std::size_t capacity, Work work)
    : work_(std::move(work))
    , done_(capacity) {
    if (threads < 2)
        return;
    try {
        for (std::size_t thread = 0; thread < threads; ++thread)
            threads_.emplace_back([this, thread] { work_on(thread); });
    } catch (const std::system_error&) {
        // No memory for one more: those that are there do the work.
    }
}

WorkRing::~WorkRing() {
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
    }
    work_there_.notify_all();
    for (std::thread& thread : threads_)
        thread.join();
}

void WorkRing::work_on(std::size_t thread) {
    std::unique_lock lock(mutex_);
    for (;;) {
        work_there_.wait(lock, [&] { return stopping_ || begun_ < prepared_; });
        if (stopping_)
            return;
        const std::uint64_t number = begun_++;
        lock.unlock();
        work_(thread, number);
        lock.lock();
        done_[number % done_.size()] = true;
        if (number == awaited_)
            work_done_.notify_one();
    }
}

void WorkRing::hand_over() {
    {
        const std::scoped_lock lock(mutex_);
        done_[prepared_ % done_.size()] = false;
        ++prepared_;
    }
    work_there_.notify_one();
}

void WorkRing::wait_for(std::uint64_t number) {
    std::unique_lock lock(mutex_);
    awaited_ = number;
    work_done_.wait(lock, [&] { return done_[number % done_.size()]; });
}

Result<> WorkRing::run_alone(const Prepare& prepare, const Take& take) {
    for (std::uint64_t number = 0; TRY(prepare(number)); ++number) {
        work_(0, number);
        TRY(take(number));
    }
    return {};
}

Result<> WorkRing::run(const Prepare& prepare, const Take& take) {
    if (threads_.empty())
        return run_alone(prepare, take);
    std::uint64_t prepared = 0;
    std::uint64_t taken = 0;
    for (bool more = true;; ++taken) {
        while (more && prepared - taken < done_.size()) {
            more = TRY(prepare(prepared));
            if (more) {
                hand_over();
                ++prepared;
            }
        }
        if (taken == prepared)
            return {};
        wait_for(taken);
        TRY(take(taken));
    }
}

} // namespace lifeboat
