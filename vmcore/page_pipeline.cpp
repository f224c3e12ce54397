// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/page_pipeline.h"

#include "vmcore/page_content.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <system_error>

namespace lifeboat {

namespace {

// Batches under way for each thread: one at work, the others waiting for it or for the writer.
constexpr std::size_t batches_per_thread = 4;

} // namespace

Result<PagePipeline> PagePipeline::make(const CoreFile& core, Compression compression, unsigned threads,
                                        IdenticalPages* identical) {
    PagePipeline pipeline(core.page_bytes(), identical != nullptr);
    pipeline.workers_.reserve(threads);
    for (unsigned i = 0; i < std::max(threads, 1U); ++i)
        pipeline.workers_.emplace_back(core, TRY(PageCompressor::make(compression)), identical);
    return pipeline;
}

PagePipeline::Worker::Worker(const CoreFile& core, PageCompressor compressor, IdenticalPages* identical)
    : reader_(core)
    , originals_(core)
    , compressor_(std::move(compressor))
    , identical_(identical)
    , page_bytes_(core.page_bytes()) {}

void PagePipeline::Worker::look_at(PageBatch& batch) {
    for (std::size_t i = 0; i < batch.count; ++i) {
        PageBatch::Page& page = batch.pages[i];
        const auto content = reader_.view_page(page.pfn);
        if (!content)
            page.kind = PageBatch::Kind::unreadable;
        else if (is_zero_page(*content))
            page.kind = PageBatch::Kind::zero;
        else
            page.kind = PageBatch::Kind::data;
        original_pfns_[i].reset();
        if (page.kind == PageBatch::Kind::data && identical_ != nullptr)
            checksums_[i] = page_checksum(*content);
    }
}

void PagePipeline::Worker::look_up(PageBatch& batch) {
    for (std::size_t i = 0; i < batch.count; ++i) {
        PageBatch::Page& page = batch.pages[i];
        if (page.kind != PageBatch::Kind::data)
            continue;
        const auto match = identical_->look_up(checksums_[i], page.pfn);
        page.slot = match.slot;
        page.has_slot = !match.original_pfn;
        original_pfns_[i] = match.original_pfn;
    }
}

void PagePipeline::Worker::compress(PageBatch& batch) {
    std::size_t used = 0;
    for (std::size_t i = 0; i < batch.count; ++i) {
        PageBatch::Page& page = batch.pages[i];
        page.bytes = 0;
        if (page.kind != PageBatch::Kind::data)
            continue;
        const auto content = reader_.view_page(page.pfn);
        if (!content) {
            page.kind = PageBatch::Kind::unreadable;
        } else if (original_pfns_[i] && is_same_as(*original_pfns_[i], *content)) {
            page.kind = PageBatch::Kind::identical;
        } else {
            const auto output =
                compressor_.compress(*content, std::span(batch.data).subspan(used, page_bytes_));
            page.bytes = static_cast<std::uint32_t>(output.bytes);
            page.flags = output.flags;
            used += output.bytes;
        }
    }
}

bool PagePipeline::Worker::is_same_as(std::uint64_t original_pfn, std::span<const std::byte> content) {
    const auto original = originals_.view_page(original_pfn);
    return original && is_same_page(*original, content);
}

Result<bool> PagePipeline::fill(PageBatch& batch, const NextPfns& next) {
    std::array<std::uint64_t, PageBatch::capacity> pfns;
    batch.count = TRY(next(pfns));
    for (std::size_t i = 0; i < batch.count; ++i)
        batch.pages[i].pfn = pfns[i];
    return batch.count > 0;
}

Result<> PagePipeline::run_alone(const NextPfns& next, const TakeBatch& take) {
    PageBatch batch;
    batch.data.resize(PageBatch::capacity * page_bytes_);
    while (TRY(fill(batch, next))) {
        workers_.front().look_at(batch);
        if (searches_)
            workers_.front().look_up(batch);
        workers_.front().compress(batch);
        TRY(take(batch));
    }
    return {};
}

// The threads and the ring of batches between them and the caller. Batches are numbered in order: those below
// `filled_` may be taken by a thread, those below `taken_` are being worked on or done, and in those below
// `looked_up_` have been through the table of identical pages.
class PagePipeline::Crew {
public:
    Crew(std::vector<Worker>& workers, std::uint64_t page_bytes, bool searches)
        : searches_(searches)
        , ring_(workers.size() * batches_per_thread)
        , done_(ring_.size()) {
        for (PageBatch& batch : ring_)
            batch.data.resize(PageBatch::capacity * page_bytes);
        try {
            for (Worker& worker : workers)
                threads_.emplace_back([this, &worker] { work(worker); });
        } catch (const std::system_error&) {
            // No memory for one more: those that are there do the work.
        }
    }
    Crew(const Crew&) = delete;
    Crew& operator=(const Crew&) = delete;
    ~Crew() {
        {
            const std::scoped_lock lock(mutex_);
            stopping_ = true;
        }
        work_there_.notify_all();
        for (std::thread& thread : threads_)
            thread.join();
    }

    [[nodiscard]] bool has_threads() const { return !threads_.empty(); }
    [[nodiscard]] std::size_t capacity() const { return ring_.size(); }

    // The batch with that number; between its filling and its being done it is a thread's.
    PageBatch& batch(std::uint64_t number) { return ring_[number % ring_.size()]; }

    void hand_over() {
        {
            const std::scoped_lock lock(mutex_);
            done_[filled_ % ring_.size()] = false;
            ++filled_;
        }
        work_there_.notify_one();
    }

    void wait_for(std::uint64_t number) {
        std::unique_lock lock(mutex_);
        awaited_ = number;
        batch_done_.wait(lock, [&] { return done_[number % ring_.size()]; });
    }

private:
    void work(Worker& worker) {
        std::unique_lock lock(mutex_);
        for (;;) {
            work_there_.wait(lock, [&] { return stopping_ || taken_ < filled_; });
            if (stopping_)
                return;
            const std::uint64_t number = taken_++;
            lock.unlock();
            worker.look_at(batch(number));
            if (searches_)
                look_up_in_turn(worker, number);
            worker.compress(batch(number));
            lock.lock();
            done_[number % ring_.size()] = true;
            if (number == awaited_)
                batch_done_.notify_one();
        }
    }

    // Batches are taken in order, so whoever is before this one is about to be through: reading a batch takes
    // a twentieth of what compressing it does.
    void look_up_in_turn(Worker& worker, std::uint64_t number) {
        std::unique_lock lock(mutex_);
        looked_up_one_more_.wait(lock, [&] { return looked_up_ == number; });
        worker.look_up(batch(number));
        ++looked_up_;
        looked_up_one_more_.notify_all();
    }

    const bool searches_;
    std::mutex mutex_;
    std::condition_variable work_there_;
    std::condition_variable looked_up_one_more_;
    std::condition_variable batch_done_;
    std::vector<PageBatch> ring_;
    std::vector<bool> done_;
    std::uint64_t filled_ = 0;
    std::uint64_t taken_ = 0;
    std::uint64_t looked_up_ = 0;
    std::uint64_t awaited_ = 0;
    bool stopping_ = false;
    std::vector<std::thread> threads_; // last: they use all of the above
};

Result<> PagePipeline::run(const NextPfns& next, const TakeBatch& take) {
    if (workers_.size() == 1)
        return run_alone(next, take);
    Crew crew(workers_, page_bytes_, searches_);
    if (!crew.has_threads())
        return run_alone(next, take);
    std::uint64_t filled = 0;
    std::uint64_t finished = 0;
    bool more = true;
    while (more || finished < filled) {
        while (more && filled - finished < crew.capacity()) {
            more = TRY(fill(crew.batch(filled), next));
            if (more) {
                crew.hand_over();
                ++filled;
            }
        }
        if (finished == filled)
            break;
        crew.wait_for(finished);
        TRY(take(crew.batch(finished)));
        ++finished;
    }
    return {};
}

} // namespace lifeboat
