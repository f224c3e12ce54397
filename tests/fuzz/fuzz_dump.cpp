// SPDX-License-Identifier: GPL-2.0-or-later
// A whole dump of a damaged machine. The first byte chooses level, threads and compression; the rest damages
// page tables, struct pages and the table of sections. Whatever is there, a dump comes of it that holds
// together.
#include "tests/builders/kdump_reader.h"
#include "tests/fuzz/patched_core.h"
#include "vmcore/dump.h"

using namespace lifeboat;
using namespace lifeboat::tests;

namespace {

PatchedCore make() {
    const BuiltCore core =
        BuiltCore::from("ram 0x1000000..0x1480000\nram 0x8000000..0x8040000\nelf no_text\nvmemmap 4k\n"
                        "page 0x1460 buddy order 4\npage 0x1470..0x1480 anon lru\npage 0x8000 anon order 4\n"
                        "page 0x8010..0x8020 lru\nfill 0x8020 text \"some content \"\nfill 0x8021 random\n"
                        "fill 0x8022 text \"some content \"");
    const std::uint64_t top = core.place("init_top_pgt").physical;
    // The table of the lowest level that maps struct pages.
    const std::uint64_t vmemmap_table = core.table_entry(0xffffea0000200000, 1) & ~0xfffULL;
    return {core,
            {top, vmemmap_table, core.struct_page(0x1460), core.struct_page(0x8000), core.section_entry(0),
             core.place("mem_section_roots").physical}};
}

DumpOptions options_of(std::uint8_t choice) {
    DumpOptions options;
    options.level = choice & 31U;
    options.threads = (choice & 32U) != 0 ? 2 : 1;
    if ((choice & 64U) != 0)
        options.compression = {Compression::Method::none, 0};
    return options;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static PatchedCore patched = make();
    static const MemoryFile output;
    if (size == 0)
        return 0;
    const auto access = (data[0] & 128U) != 0 ? CoreAccess::read : CoreAccess::map;
    const CoreFile core = CoreFile::open(patched.path_of({data + 1, size - 1}), access).value();
    output.resize(0);
    const DumpOutcome outcome =
        write_dump(core, output.fd(), options_of(data[0]), [](const DumpProgress&) {});
    if (outcome.error)
        __builtin_trap(); // nothing that was damaged is a reason to break off
    const KdumpFile dump(output.path());
    if (!dump.is_complete() || dump.dumped.size() != outcome.summary.dumped_pages ||
        dump.present.size() != outcome.summary.present_pages)
        __builtin_trap();
    return 0;
}
