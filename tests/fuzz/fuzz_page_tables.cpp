// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/fuzz/patched_core.h"
#include "vmcore/kernel_memory.h"

using namespace lifeboat;
using namespace lifeboat::tests;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static PatchedCore patched = [] {
        const BuiltCore core = BuiltCore::from("ram 0x1000000..0x1900000\nelf no_text");
        const std::uint64_t top = core.place("init_top_pgt").physical;
        const std::uint64_t tables = core.table_entry(0xffffffff81000000, 1) & ~0xfffULL;
        return PatchedCore(core, {top, tables, tables - 0x1000, tables - 0x2000});
    }();
    const auto core = CoreFile::open(patched.path_of({data, size}));
    auto memory = KernelMemory::open(core.value());
    for (const std::uint64_t address : {0xffffffff81000000, 0xffffffff81234567, 0xffff888001000000,
                                        0xffffea0000040000, std::uint64_t{0}, ~std::uint64_t{0}})
        (void)memory->read_value<std::uint64_t>(address);
    return 0;
}
