// SPDX-License-Identifier: GPL-2.0-or-later
// Where the dead kernel keeps its struct pages: sparse memory sections, with vmemmap or without.
// Source: Linux include/linux/mmzone.h (struct mem_section, SECTION_*), mm/sparse.c (sparse_encode_mem_map).
#pragma once

#include "base/result.h"
#include "vmcore/kernel_memory.h"
#include "vmcore/vmcoreinfo.h"

#include <cstdint>
#include <optional>

namespace lifeboat {

class Memmap {
public:
    // Finds mem_section, which kernels keep as an array or behind a pointer. `memory` is used for this call
    // only. Fails with no_data (a key is absent) or corrupt (no section of it can be true).
    static Result<Memmap> open(const Vmcoreinfo& info, std::uint64_t page_bytes, KernelMemory& memory);

    [[nodiscard]] std::uint64_t pages_per_section() const { return pages_per_section_; }

    // The virtual address of the struct page of the section's first pfn; nothing when the section has none (a
    // hole, or memory taken away). Fails where the section's entry cannot be read or cannot be true.
    Result<std::optional<std::uint64_t>> section_struct_pages(std::uint64_t section,
                                                              KernelMemory& memory) const;

private:
    Memmap() = default;
    [[nodiscard]] bool has_any_section(KernelMemory& memory) const;

    std::uint64_t roots_ = 0; // virtual address of the table of roots
    std::uint64_t root_count_ = 0;
    std::uint64_t sections_per_root_ = 0;
    std::uint64_t section_entry_bytes_ = 0;
    std::uint64_t map_offset_ = 0; // of section_mem_map in struct mem_section
    std::uint64_t pages_per_section_ = 0;
    std::uint64_t struct_page_bytes_ = 0;
};

} // namespace lifeboat
