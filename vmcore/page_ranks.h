// SPDX-License-Identifier: GPL-2.0-or-later
// How many pages of a dump come before a page: the place of its descriptor in the table.
#pragma once

#include "base/result.h"
#include "vmcore/bitmap_piece.h"
#include "vmcore/file_windows.h"
#include "vmcore/kdump_bitmap.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace lifeboat {

// The ranks at some pages, not more than a fixed number whatever the machine's size. Immutable after count().
class PageRanks {
public:
    // Reads the bitmap once.
    static Result<PageRanks> count(const KdumpBitmap& bitmap, FileWindows& file);

    [[nodiscard]] const KdumpBitmap& bitmap() const { return bitmap_; }
    // Of all pages.
    [[nodiscard]] std::uint64_t total() const { return total_; }

    struct Known {
        std::uint64_t pfn; // a multiple of BitmapPiece::pages
        std::uint64_t rank;
    };
    // The last page not after `pfn`, which is below the bitmap's end, whose rank is known.
    [[nodiscard]] Known known_before(std::uint64_t pfn) const {
        const std::uint64_t index = pfn / step_pages_;
        return {index * step_pages_, ranks_[index]};
    }

private:
    explicit PageRanks(const KdumpBitmap& bitmap)
        : bitmap_(bitmap) {}

    KdumpBitmap bitmap_;
    std::uint64_t step_pages_ = BitmapPiece::pages;
    std::vector<std::uint64_t> ranks_;
    std::uint64_t total_ = 0;
};

// Finds ranks and remembers where it was: for pages in ascending order each costs a few words' counting. One
// for each thread.
class PageRankFinder {
public:
    // `ranks` must outlive it.
    explicit PageRankFinder(const PageRanks& ranks)
        : ranks_(ranks) {}

    // Nothing when the page has no bit.
    Result<std::optional<std::uint64_t>> find(std::uint64_t pfn, FileWindows& file);

private:
    Result<> go_to(std::uint64_t first_pfn, FileWindows& file);

    const PageRanks& ranks_;
    bool has_piece_ = false;
    BitmapPiece piece_;
    std::uint64_t piece_rank_ = 0;  // of its first page
    std::uint64_t counted_end_ = 0; // up to here, in the piece, bits are counted
    std::uint64_t counted_ = 0;
};

} // namespace lifeboat
