// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/fuzz/patched_core.h"
#include "vmcore/page_filter.h"

using namespace lifeboat;
using namespace lifeboat::tests;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static PatchedCore patched = [] {
        const BuiltCore core =
            BuiltCore::from("ram 0x1000000..0x1900000\nram 0x8000000..0x8100000\nelf no_text\nvmemmap 4k\n"
                            "page 0x1800 anon order 5\npage 0x1840 buddy order 4\npage 0x8000..0x8040 lru");
        const std::vector<std::uint64_t> targets{core.struct_page(0x1800), core.struct_page(0x1840),
                                                 core.struct_page(0x8000), core.section_entry(0)};
        return PatchedCore(core, targets);
    }();
    const auto core = CoreFile::open(patched.path_of({data, size}));
    DumpSummary summary;
    PageFilter filter = PageFilter::open(core.value(), 31, summary.doubts);
    std::uint64_t present = 0;
    for (const std::uint64_t first : {std::uint64_t{0}, BitmapPiece::pages}) {
        BitmapPiece piece;
        piece.reset(first);
        piece.set(0x1000, 0x1900);
        piece.set(0x8000, 0x8100);
        present += piece.count();
        filter.filter(piece);
    }
    filter.add_to(summary);
    std::uint64_t counted = 0;
    for (const std::uint64_t pages : summary.pages_by_class)
        counted += pages;
    if (counted != present) // each page is of one class
        __builtin_trap();
    return 0;
}
