// SPDX-License-Identifier: GPL-2.0-or-later
// The notes of a core that has nothing else wrong: the input is what its PT_NOTE says. A dump of it carries
// them on.
#include "tests/fuzz/memory_file.h"
#include "vmcore/core_file.h"
#include "vmcore/dump.h"

#include <algorithm>
#include <array>

#include <elf.h>

using namespace lifeboat;
using namespace lifeboat::tests;

namespace {

constexpr std::uint64_t notes_at = 8192;
constexpr std::uint64_t memory_at = 4096;

void write_headers(const MemoryFile& file, std::uint64_t notes_bytes) {
    struct {
        Elf64_Ehdr header;
        std::array<Elf64_Phdr, 2> segments;
    } all{};
    std::copy_n(ELFMAG, SELFMAG, all.header.e_ident);
    all.header.e_ident[EI_CLASS] = ELFCLASS64;
    all.header.e_ident[EI_DATA] = ELFDATA2LSB;
    all.header.e_ident[EI_VERSION] = EV_CURRENT;
    all.header.e_type = ET_CORE;
    all.header.e_machine = EM_X86_64;
    all.header.e_phoff = sizeof(Elf64_Ehdr);
    all.header.e_phentsize = sizeof(Elf64_Phdr);
    all.header.e_phnum = all.segments.size();
    all.segments[0] = {.p_type = PT_NOTE, .p_offset = notes_at, .p_filesz = notes_bytes};
    all.segments[1] = {
        .p_type = PT_LOAD, .p_offset = memory_at, .p_paddr = 0x1000, .p_filesz = 4096, .p_memsz = 4096};
    file.write(0, {reinterpret_cast<const std::uint8_t*>(&all), sizeof(all)});
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const MemoryFile file;
    static const MemoryFile output;
    file.resize(0); // zeroes again
    file.resize(notes_at + size);
    write_headers(file, size);
    file.write(notes_at, {data, size});
    const CoreFile core = CoreFile::open(file.path()).value();
    if (core.notes().size() != size ||
        core.vmcoreinfo_notes_offset() + core.vmcoreinfo().text().size() > size)
        __builtin_trap();
    output.resize(0);
    (void)write_dump(core, output.fd(), {}, [](const DumpProgress&) {});
    return 0;
}
