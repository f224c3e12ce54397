// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/memmap.h"

#include <bit>

namespace lifeboat {

namespace {

constexpr std::uint64_t section_present = 1; // SECTION_MARKED_PRESENT
// Flags sit below SECTION_MAP_LAST_BIT, which was bit 2 once and is bit 5 or 6 since 5.12; the array itself
// starts at a multiple of 64 at least, so that six bits can be taken off in each of those kernels.
constexpr std::uint64_t section_flags_mask = 0x3f;
// What kernels that do not export SECTION_SIZE_BITS (before 5.13) use on x86_64.
constexpr std::int64_t default_section_size_bits = 27;
constexpr std::uint64_t root_count_limit = std::uint64_t{1} << 24;
constexpr std::uint64_t kernel_half = std::uint64_t{1} << 63; // every kernel address has the top bit set

} // namespace

Result<Memmap> Memmap::open(const Vmcoreinfo& info, std::uint64_t page_bytes, KernelMemory& memory) {
    const auto symbol = info.symbol("mem_section");
    const auto length = info.length("mem_section");
    const auto entry_bytes = info.size("mem_section");
    const auto map_offset = info.offset("mem_section.section_mem_map");
    const auto struct_page_bytes = info.size("page");
    if (!symbol || !length || !entry_bytes || !map_offset || !struct_page_bytes)
        return fail(ErrorKind::no_data, "VMCOREINFO does not describe mem_section");
    const std::int64_t section_bits = info.number("SECTION_SIZE_BITS").value_or(default_section_size_bits);
    if (*entry_bytes < 8 || *entry_bytes > page_bytes || *map_offset > *entry_bytes - 8 || *length == 0 ||
        *length > root_count_limit || section_bits < 20 || section_bits > 40 || *struct_page_bytes < 32 ||
        *struct_page_bytes > 512)
        return fail(ErrorKind::corrupt, "VMCOREINFO's description of mem_section cannot be true");

    Memmap memmap;
    memmap.root_count_ = *length;
    memmap.section_entry_bytes_ = *entry_bytes;
    memmap.map_offset_ = *map_offset;
    memmap.pages_per_section_ = (std::uint64_t{1} << section_bits) / page_bytes;
    memmap.struct_page_bytes_ = *struct_page_bytes;
    memmap.sections_per_root_ = page_bytes / *entry_bytes;

    // The symbol's value is the table itself where mem_section is an array, and since 4.15, where it is a
    // pointer, the pointer's value; makedumpfile met kernels where one more step is needed.
    memmap.roots_ = *symbol;
    if (memmap.has_any_section(memory))
        return memmap;
    if (const auto pointed = memory.read_value<std::uint64_t>(*symbol)) {
        memmap.roots_ = *pointed;
        if (memmap.has_any_section(memory))
            return memmap;
    }
    return fail(ErrorKind::corrupt, "no section of memory can be found through mem_section at {:#x}",
                *symbol);
}

// Section 0 holds the first megabyte of RAM on every machine we know; the first few are looked at for those
// we don't.
bool Memmap::has_any_section(KernelMemory& memory) const {
    constexpr std::uint64_t sections_tried = 1024;
    for (std::uint64_t section = 0; section < sections_tried; ++section)
        if (const auto found = section_struct_pages(section, memory); !found)
            return false;
        else if (*found)
            return true;
    return false;
}

Result<std::optional<std::uint64_t>> Memmap::section_struct_pages(std::uint64_t section,
                                                                  KernelMemory& memory) const {
    const std::uint64_t root = section / sections_per_root_;
    if (root >= root_count_)
        return std::nullopt;
    const auto entries = TRY(memory.read_value<std::uint64_t>(roots_ + root * sizeof(std::uint64_t)));
    if (entries == 0)
        return std::nullopt;
    const std::uint64_t entry = entries + section % sections_per_root_ * section_entry_bytes_;
    const auto coded = TRY(memory.read_value<std::uint64_t>(entry + map_offset_));
    if ((coded & section_present) == 0)
        return std::nullopt;
    // The kernel keeps the array's address less the first pfn's share, so that pfn indexes it directly.
    const std::uint64_t first =
        (coded & ~section_flags_mask) + section * pages_per_section_ * struct_page_bytes_;
    if ((first & kernel_half) == 0)
        return fail(ErrorKind::corrupt, "section {} has its struct pages at {:#x}, not a kernel address",
                    section, first);
    return first;
}

} // namespace lifeboat
