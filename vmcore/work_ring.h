// SPDX-License-Identifier: GPL-2.0-or-later
// Threads that do numbered pieces of work, which the caller prepares and takes back in order.
//
//     WorkRing ring(threads, capacity, [&](std::size_t thread, std::uint64_t number) { ... });
//     TRY(ring.run(prepare, take));
//
// At most `capacity` pieces are under way, so that the caller keeps number N's in place N % capacity of a
// ring of its own: between being prepared and being taken that is the thread's. A thread without work sleeps.
#pragma once

#include "base/result.h"

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace lifeboat {

class WorkRing {
public:
    // Called on the threads, from 0 to threads - 1, with rising numbers; must not throw.
    using Work = std::function<void(std::size_t thread, std::uint64_t number)>;
    // Called on the caller's thread. False: there is no further piece.
    using Prepare = std::function<Result<bool>(std::uint64_t number)>;
    using Take = std::function<Result<>(std::uint64_t number)>;

    // With one thread no thread is made, and neither is one where there is no memory for it: the caller's
    // does what is left to do.
    WorkRing(std::size_t threads, std::size_t capacity, Work work);
    WorkRing(const WorkRing&) = delete;
    WorkRing& operator=(const WorkRing&) = delete;
    // Waits for what is being worked on; what has not been begun is not done.
    ~WorkRing();

    // Until `prepare` has no more and all is taken, or with the first error of either. Once.
    Result<> run(const Prepare& prepare, const Take& take);

private:
    void work_on(std::size_t thread);
    Result<> run_alone(const Prepare& prepare, const Take& take);
    void hand_over();
    void wait_for(std::uint64_t number);

    const Work work_;
    std::mutex mutex_;
    std::condition_variable work_there_;
    std::condition_variable work_done_;
    std::vector<bool> done_;
    // Numbers below `prepared_` may be begun, those below `begun_` are being worked on or done.
    std::uint64_t prepared_ = 0;
    std::uint64_t begun_ = 0;
    std::uint64_t awaited_ = 0;
    bool stopping_ = false;
    std::vector<std::thread> threads_; // last: they use all of the above
};

} // namespace lifeboat
