// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/page_pipeline.h"

#include "vmcore/page_content.h"
#include "vmcore/work_ring.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

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
    , page_bytes_(core.page_bytes())
    , original_(core.page_bytes()) {}

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

// One page of anywhere: where windows are read, a whole one would be read for it.
bool PagePipeline::Worker::is_same_as(std::uint64_t original_pfn, std::span<const std::byte> content) {
    if (originals_.peek(original_pfn * page_bytes_, original_))
        return is_same_page(original_, content);
    // One that several segments have parts of.
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

// Batches are begun in order, so whoever is before this one is about to be through: reading a batch takes a
// twentieth of what compressing it does.
class PagePipeline::Turns {
public:
    template <class Action>
    void take(std::uint64_t number, Action action) {
        std::unique_lock lock(mutex_);
        one_more_.wait(lock, [&] { return next_ == number; });
        action();
        ++next_;
        one_more_.notify_all();
    }

private:
    std::mutex mutex_;
    std::condition_variable one_more_;
    std::uint64_t next_ = 0;
};

Result<> PagePipeline::run(const NextPfns& next, const TakeBatch& take) {
    std::vector<PageBatch> batches(workers_.size() == 1 ? 1 : workers_.size() * batches_per_thread);
    for (PageBatch& batch : batches)
        batch.data.resize(PageBatch::capacity * page_bytes_);
    const auto batch_of = [&](std::uint64_t number) -> PageBatch& {
        return batches[number % batches.size()];
    };
    Turns turns;
    const auto work = [&](std::size_t thread, std::uint64_t number) {
        Worker& worker = workers_[thread];
        PageBatch& batch = batch_of(number);
        worker.look_at(batch);
        if (searches_)
            turns.take(number, [&] { worker.look_up(batch); });
        worker.compress(batch);
    };
    WorkRing ring(workers_.size(), batches.size(), work);
    return ring.run([&](std::uint64_t number) { return fill(batch_of(number), next); },
                    [&](std::uint64_t number) { return take(batch_of(number)); });
}

} // namespace lifeboat
