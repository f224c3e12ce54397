// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/dump_inventory.h"

#include "vmcore/core_piece.h"
#include "vmcore/kdump_headers.h"
#include "vmcore/kdump_pages.h"
#include "vmcore/page_filter.h"

namespace lifeboat {

namespace {

Result<> count_pages(const CoreFile& core, DumpInventory& inventory) {
    DumpSummary summary;
    PageFilter filter = PageFilter::open(core, 0, inventory.doubts);
    CorePiece piece;
    for (std::uint64_t pfn = 0; pfn < core.end_pfn(); pfn += BitmapPiece::pages) {
        TRY(piece.load(core, pfn));
        inventory.present_pages += piece.present.count();
        inventory.left_out_pages += piece.left_out.count();
        inventory.held_pages += piece.held.count();
        filter.filter(piece.present);
    }
    filter.add_to(summary);
    inventory.pages_by_class = summary.pages_by_class;
    inventory.doubts.append_range(summary.doubts);
    return {};
}

Result<> count_stored(const CoreFacts& facts, DumpInventory& inventory) {
    const KdumpHeaders headers = TRY(KdumpHeaders::read(facts.file.get(), facts.size_bytes, facts.path));
    FileWindows file(facts.windowed());
    KdumpPages pages(headers, file);
    std::uint64_t seen = 0;
    for (;; ++seen) {
        const auto page = pages.next();
        if (!page && page.error().kind == ErrorKind::system)
            return fail(page.error()); // of the disk, not of the dump
        if (!page || !*page)
            break; // an error: the file ends there, as its doubts say
        const KdumpPageDescriptor& descriptor = (*page)->descriptor;
        if (descriptor.offset == 0) {
            ++inventory.lost_pages;
            continue;
        }
        DumpInventory::Stored& stored = inventory.stored[descriptor.flags];
        ++stored.pages;
        stored.bytes += descriptor.bytes;
    }
    inventory.lost_pages += inventory.held_pages - std::min(seen, inventory.held_pages);
    return {};
}

} // namespace

Result<DumpInventory> take_inventory(const CoreFile& core) {
    DumpInventory inventory;
    inventory.doubts = core.doubts();
    TRY(count_pages(core, inventory));
    if (core.kdump() != nullptr)
        TRY(count_stored(core.image().facts(), inventory));
    else
        inventory.lost_pages = inventory.present_pages - inventory.left_out_pages - inventory.held_pages;
    return inventory;
}

} // namespace lifeboat
