// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/page_ranks.h"

namespace lifeboat {

namespace {

// 32 KiB; with 4 KiB pages the rank of each piece is known up to 512 GiB of memory.
constexpr std::uint64_t ranks_limit = 4096;

} // namespace

Result<PageRanks> PageRanks::count(const KdumpBitmap& bitmap, FileWindows& file) {
    PageRanks ranks(bitmap);
    const std::uint64_t pieces = (bitmap.end_pfn + BitmapPiece::pages - 1) / BitmapPiece::pages;
    ranks.step_pages_ = (pieces / ranks_limit + 1) * BitmapPiece::pages;
    BitmapPiece piece;
    for (std::uint64_t pfn = 0; pfn < bitmap.end_pfn; pfn += BitmapPiece::pages) {
        if (pfn % ranks.step_pages_ == 0)
            ranks.ranks_.push_back(ranks.total_);
        TRY(bitmap.read(file, pfn, piece));
        ranks.total_ += piece.count();
    }
    return ranks;
}

Result<std::optional<std::uint64_t>> PageRankFinder::find(std::uint64_t pfn, FileWindows& file) {
    if (pfn >= ranks_.bitmap().end_pfn)
        return std::nullopt;
    const std::uint64_t first_pfn = pfn / BitmapPiece::pages * BitmapPiece::pages;
    if (!has_piece_ || piece_.first_pfn() != first_pfn)
        TRY(go_to(first_pfn, file));
    if (piece_.next_set(pfn) != pfn)
        return std::nullopt;
    if (pfn < counted_end_) {
        counted_end_ = first_pfn;
        counted_ = 0;
    }
    counted_ += piece_.count(counted_end_, pfn);
    counted_end_ = pfn;
    return piece_rank_ + counted_;
}

// From the piece at hand where the wanted one is the next, otherwise from the last known rank before it.
Result<> PageRankFinder::go_to(std::uint64_t first_pfn, FileWindows& file) {
    PageRanks::Known from = ranks_.known_before(first_pfn);
    if (has_piece_ && piece_.end_pfn() == first_pfn)
        from = {first_pfn, piece_rank_ + piece_.count()};
    has_piece_ = false;
    for (; from.pfn < first_pfn; from.pfn += BitmapPiece::pages) {
        TRY(ranks_.bitmap().read(file, from.pfn, piece_));
        from.rank += piece_.count();
    }
    TRY(ranks_.bitmap().read(file, first_pfn, piece_));
    piece_rank_ = from.rank;
    counted_end_ = first_pfn;
    counted_ = 0;
    has_piece_ = true;
    return {};
}

} // namespace lifeboat
