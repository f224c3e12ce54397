// SPDX-License-Identifier: GPL-2.0-or-later
// A kdump-compressed file as input: one of ours, damaged in its headers, bitmaps, descriptors and data. It is
// verified, its pages and kernel log are read, and another dump is made of it.
#include "tests/fuzz/patched_core.h"
#include "vmcore/core_reader.h"
#include "vmcore/dump.h"
#include "vmcore/dump_inventory.h"
#include "vmcore/dump_verifier.h"
#include "vmcore/kdump_format.h"
#include "vmcore/kernel_log.h"

using namespace lifeboat;
using namespace lifeboat::tests;

namespace {

constexpr std::uint64_t first_pfn = 0x1000;
constexpr std::uint64_t end_pfn = 0x1480;

void write_valid_dump(const MemoryFile& output) {
    PatchedCore core(
        BuiltCore::from("ram 0x1000000..0x1480000\nelf no_text\nvmemmap 4k\npage 0x1470..0x1480 anon lru\n"
                        "fill 0x1460 text \"some content \"\nfill 0x1461 random\nlog \"one\" at 1"),
        {});
    const CoreFile file = CoreFile::open(core.path_of({})).value();
    if (write_dump(file, output.fd(), {}, [](const DumpProgress&) {}).error)
        __builtin_trap();
}

PatchedFile make() {
    PatchedFile patched;
    write_valid_dump(patched.file());
    KdumpHeader header{};
    patched.file().read(0, {reinterpret_cast<std::uint8_t*>(&header), sizeof(header)});
    const std::uint64_t bitmap1 = (1 + static_cast<std::uint64_t>(header.sub_header_blocks)) * 4096;
    const std::uint64_t bitmap_bytes = std::uint64_t{header.bitmap_blocks} / 2 * 4096;
    const std::uint64_t descriptors = bitmap1 + 2 * bitmap_bytes;
    patched.set_targets({400, 4096, bitmap1, bitmap1 + bitmap_bytes + first_pfn / 8, descriptors,
                         descriptors + (end_pfn - 32 - first_pfn) * sizeof(KdumpPageDescriptor),
                         patched.file().bytes() - 4096});
    return patched;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static PatchedFile patched = make();
    static const MemoryFile output;
    const std::string path = patched.path_of({data, size});
    (void)verify_dump(path, [](const DumpProgress&) {});
    const auto core = CoreFile::open(path);
    if (!core)
        return 0;
    (void)take_inventory(*core);
    CoreReader reader(*core);
    for (std::uint64_t pfn = first_pfn; pfn < end_pfn; pfn += 7)
        (void)reader.view_page(pfn);
    (void)extract_kernel_log(*core, [](std::string_view) { return Result<>{}; });
    if (core->end_pfn() > end_pfn * 16)
        return 0; // takes long, in proportion to what the header says: not what is looked for here
    output.resize(0);
    (void)write_dump(*core, output.fd(), {}, [](const DumpProgress&) {});
    return 0;
}
