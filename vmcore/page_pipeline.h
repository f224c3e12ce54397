// SPDX-License-Identifier: GPL-2.0-or-later
// Reads and compresses pages on several threads and hands them back in order on the calling thread.
//
//     PagePipeline pipeline = TRY(PagePipeline::make(core, compression, threads, &identical_pages));
//     TRY(pipeline.run(next_pfns, take_batch));
//
// Memory is fixed by the number of threads; a thread without work sleeps.
#pragma once

#include "base/result.h"
#include "vmcore/core_file.h"
#include "vmcore/core_reader.h"
#include "vmcore/dump.h"
#include "vmcore/identical_pages.h"
#include "vmcore/page_compressor.h"

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace lifeboat {

// Pages that go through the pipeline together.
struct PageBatch {
    static constexpr std::size_t capacity = 64;
    enum class Kind : std::uint8_t { data, identical, zero, unreadable };
    struct Page {
        std::uint64_t pfn = 0;
        Kind kind = Kind::data;
        std::uint32_t bytes = 0; // of data, following those of the page before
        std::uint32_t flags = 0;
        std::uint32_t slot = 0; // of IdenticalPages, where that is used: the original's
        bool has_slot = false;  // it is an original
    };

    std::size_t count = 0;
    std::array<Page, capacity> pages;
    std::vector<std::byte> data;
};

class PagePipeline {
public:
    // Gives the next pfns, in order, at most as many as the span has room for; 0 at the end.
    using NextPfns = std::function<Result<std::size_t>(std::span<std::uint64_t>)>;
    using TakeBatch = std::function<Result<>(const PageBatch&)>;

    // `identical` may be null: pages with the content of one before are then not looked for. It must outlive
    // the pipeline, and is looked up in page order whatever the number of threads.
    static Result<PagePipeline> make(const CoreFile& core, Compression compression, unsigned threads,
                                     IdenticalPages* identical);

    // Ends when `next` does, or with the first error of either; all threads are then gone.
    Result<> run(const NextPfns& next, const TakeBatch& take);

private:
    // Each of its steps takes the whole batch; only the second has to be done in the batches' order.
    class Worker {
    public:
        Worker(const CoreFile& core, PageCompressor compressor, IdenticalPages* identical);
        void look_at(PageBatch& batch);
        void look_up(PageBatch& batch);
        void compress(PageBatch& batch);

    private:
        bool is_same_as(std::uint64_t original_pfn, std::span<const std::byte> content);

        CoreReader reader_;
        CoreReader
            originals_; // apart, so that the pages before do not take away the windows of those at hand
        PageCompressor compressor_;
        IdenticalPages* identical_;
        std::size_t page_bytes_;
        std::vector<std::byte> original_;
        std::array<std::uint64_t, PageBatch::capacity> checksums_{};
        std::array<std::optional<std::uint64_t>, PageBatch::capacity> original_pfns_{};
    };
    class Turns;

    PagePipeline(std::uint64_t page_bytes, bool searches)
        : page_bytes_(page_bytes)
        , searches_(searches) {}

    static Result<bool> fill(PageBatch& batch, const NextPfns& next);

    std::uint64_t page_bytes_;
    bool searches_; // for identical pages
    std::vector<Worker> workers_;
};

} // namespace lifeboat
