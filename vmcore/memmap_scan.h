// SPDX-License-Identifier: GPL-2.0-or-later
// Judges every page of a core, on several threads, and hands the result over in order on the calling thread.
//
//     MemmapScan scan = MemmapScan::open(core, level, threads, summary.doubts);
//     TRY(scan.run([&](const ScannedPiece& piece) { return writer.write_bitmaps(piece.present, piece.dumped);
//     })); scan.add_to(summary);
//
// What comes of it is the same for any number of threads: a thread takes a strip of 1 GiB (of pages of 4 KiB)
// at a time, and since neither a free block nor a folio is larger and each is aligned to its size, none
// reaches from one strip into the next. Memory is fixed by the number of threads.
#pragma once

#include "base/result.h"
#include "vmcore/bitmap_piece.h"
#include "vmcore/core_file.h"
#include "vmcore/core_piece.h"
#include "vmcore/page_filter.h"

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace lifeboat {

struct ScannedPiece {
    BitmapPiece present; // pages of memory that the core has
    BitmapPiece dumped;  // of those, the ones to be dumped that it holds
    std::uint64_t present_pages = 0;
    std::uint64_t left_out_pages = 0;   // when the core, a dump itself, was made
    std::uint64_t unreadable_pages = 0; // meant for the dump and not held
};

class MemmapScan {
public:
    using TakePiece = std::function<Result<>(const ScannedPiece&)>;

    // `core` must outlive it; `doubts` as PageFilter::open().
    static MemmapScan open(const CoreFile& core, unsigned level, unsigned threads,
                           std::vector<std::string>& doubts);

    // Pieces without a page are passed over. Fails with the core's error or with that of `take`. Once.
    Result<> run(const TakePiece& take);

    void add_to(DumpSummary& summary) const;

private:
    static constexpr std::size_t pieces_per_strip = 8;
    static constexpr std::uint64_t pages_per_strip = pieces_per_strip * BitmapPiece::pages;

    struct Strip {
        std::array<ScannedPiece, pieces_per_strip> pieces;
        std::size_t count = 0;
        std::optional<Error> error; // what could not be had behind them
    };

    explicit MemmapScan(const CoreFile& core)
        : core_(&core) {}

    void scan_strip(PageFilter& filter, std::uint64_t first_pfn, Strip& strip) const;
    static void scan_piece(PageFilter& filter, const CorePiece& core_piece, Strip& strip);

    const CoreFile* core_;
    std::vector<PageFilter> filters_; // one for each thread
};

} // namespace lifeboat
