// SPDX-License-Identifier: GPL-2.0-or-later
// Reads and compresses pages on several threads and hands them back in order on the calling thread.
//
//     PagePipeline pipeline = TRY(PagePipeline::make(core, compression, threads));
//     TRY(pipeline.run(next_pfns, take_batch));
//
// Memory is fixed by the number of threads; a thread without work sleeps.
#pragma once

#include "base/result.h"
#include "vmcore/core_file.h"
#include "vmcore/core_reader.h"
#include "vmcore/dump.h"
#include "vmcore/page_compressor.h"

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace lifeboat {

// Pages that go through the pipeline together.
struct PageBatch {
    static constexpr std::size_t capacity = 64;
    enum class Kind : std::uint8_t { data, zero, unreadable };
    struct Page {
        std::uint64_t pfn = 0;
        Kind kind = Kind::data;
        std::uint32_t bytes = 0; // of data, following those of the page before
        std::uint32_t flags = 0;
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

    static Result<PagePipeline> make(const CoreFile& core, Compression compression, unsigned threads);

    // Ends when `next` does, or with the first error of either; all threads are then gone.
    Result<> run(const NextPfns& next, const TakeBatch& take);

private:
    struct Worker {
        CoreReader reader;
        PageCompressor compressor;
        std::uint64_t page_bytes;

        void process(PageBatch& batch);
    };
    class Crew;

    explicit PagePipeline(std::uint64_t page_bytes)
        : page_bytes_(page_bytes) {}

    Result<> run_alone(const NextPfns& next, const TakeBatch& take);
    static Result<bool> fill(PageBatch& batch, const NextPfns& next);

    std::uint64_t page_bytes_;
    std::vector<Worker> workers_;
};

} // namespace lifeboat
