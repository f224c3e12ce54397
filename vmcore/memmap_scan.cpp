// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/memmap_scan.h"

#include "vmcore/work_ring.h"

#include <algorithm>

namespace lifeboat {

namespace {

// Under way for each thread: one at work, the other waiting to be taken.
constexpr std::size_t strips_per_thread = 2;

} // namespace

MemmapScan MemmapScan::open(const CoreFile& core, unsigned level, unsigned threads,
                            std::vector<std::string>& doubts) {
    MemmapScan scan(core);
    const std::uint64_t strips = (core.end_pfn() + pages_per_strip - 1) / pages_per_strip;
    const auto wanted = std::min<std::uint64_t>(threads, strips);
    scan.filters_.push_back(PageFilter::open(core, level, doubts));
    std::vector<std::string> same_doubts;
    while (scan.filters_.size() < wanted)
        scan.filters_.push_back(PageFilter::open(core, level, same_doubts));
    return scan;
}

Result<> MemmapScan::run(const TakePiece& take) {
    std::vector<Strip> strips(filters_.size() == 1 ? 1 : filters_.size() * strips_per_thread);
    const auto strip_of = [&](std::uint64_t number) -> Strip& { return strips[number % strips.size()]; };
    WorkRing ring(filters_.size(), strips.size(), [&](std::size_t thread, std::uint64_t number) {
        scan_strip(filters_[thread], number * pages_per_strip, strip_of(number));
    });
    const auto take_strip = [&](std::uint64_t number) -> Result<> {
        const Strip& strip = strip_of(number);
        for (const ScannedPiece& piece : std::span(strip.pieces).first(strip.count))
            TRY(take(piece));
        return strip.error ? Result<>(fail(*strip.error)) : Result<>{};
    };
    return ring.run(
        [&](std::uint64_t number) -> Result<bool> { return number * pages_per_strip < core_->end_pfn(); },
        take_strip);
}

void MemmapScan::scan_strip(PageFilter& filter, std::uint64_t first_pfn, Strip& strip) const {
    strip.count = 0;
    strip.error.reset();
    filter.begin_afresh();
    CorePiece core_piece;
    for (std::size_t i = 0; i < pieces_per_strip; ++i) {
        if (auto done = core_piece.load(*core_, first_pfn + i * BitmapPiece::pages); !done) {
            strip.error = std::move(done).error();
            return;
        }
        scan_piece(filter, core_piece, strip);
    }
}

void MemmapScan::scan_piece(PageFilter& filter, const CorePiece& core_piece, Strip& strip) {
    const std::uint64_t present_pages = core_piece.present.count();
    if (present_pages == 0)
        return;
    ScannedPiece& piece = strip.pieces[strip.count++];
    piece.present = core_piece.present;
    piece.present_pages = present_pages;
    piece.left_out_pages = core_piece.left_out.count();
    piece.dumped = core_piece.present;
    filter.filter(piece.dumped);
    piece.dumped.take_out(core_piece.left_out);
    const std::uint64_t wanted = piece.dumped.count();
    piece.dumped.keep_only(core_piece.held);
    piece.unreadable_pages = wanted - piece.dumped.count();
}

void MemmapScan::add_to(DumpSummary& summary) const {
    PageFilter::Findings findings;
    for (const PageFilter& filter : filters_)
        findings.add(filter.findings());
    filters_.front().add_to(summary, findings);
}

} // namespace lifeboat
