// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/fuzz/memory_file.h"
#include "vmcore/core_file.h"
#include "vmcore/core_reader.h"

using namespace lifeboat;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const tests::MemoryFile file;
    file.resize(size);
    file.write(0, {data, size});
    const auto core = CoreFile::open(file.path());
    if (!core)
        return 0;
    CoreReader reader(*core);
    std::uint64_t end = 0;
    for (const CoreSegment& segment : core->segments()) {
        if (segment.physical_address < end || segment.file_bytes > segment.memory_bytes ||
            (segment.file_bytes > 0 && segment.file_offset + segment.file_bytes > size))
            __builtin_trap();
        end = segment.physical_address + segment.memory_bytes;
        (void)reader.view_page(segment.physical_address / core->page_bytes());
        (void)reader.view_page((end - 1) / core->page_bytes());
    }
    return 0;
}
