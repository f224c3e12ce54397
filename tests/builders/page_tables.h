// SPDX-License-Identifier: GPL-2.0-or-later
// Writes x86_64 page tables into memory.
// Source: Intel SDM volume 3A chapter 4; Linux Documentation/arch/x86/x86_64/mm.rst for the addresses.
#pragma once

#include "tests/builders/physical_memory.h"

#include <cstdint>
#include <functional>

namespace lifeboat::tests {

class PageTables {
public:
    using AllocateFrame = std::function<std::uint64_t()>; // gives the physical address of a page of its own

    PageTables(PhysicalMemory& memory, std::uint64_t top, unsigned levels, std::uint64_t encryption_mask,
               AllocateFrame allocate)
        : memory_(memory)
        , top_(top)
        , levels_(levels)
        , encryption_mask_(encryption_mask)
        , allocate_(std::move(allocate)) {}

    static constexpr std::uint64_t reach_of(unsigned level) {
        return std::uint64_t{1} << (12 + 9 * (level - 1));
    }

    // One page of reach_of(level) bytes: level 1 is 4 KiB, 2 is 2 MiB, 3 is 1 GiB.
    void map(std::uint64_t virtual_address, std::uint64_t physical, unsigned level) {
        const std::uint64_t large = level > 1 ? 0x80 : 0;
        // Writable, accessed, dirty, global, and not executable: bits that a reader has to take off.
        const std::uint64_t flags = 0x163 | large | std::uint64_t{1} << 63;
        memory_.put(entry_at(virtual_address, level), physical | flags | encryption_mask_);
    }
    // Makes the entry of that level point to a table that is there already (shared by several).
    void point(std::uint64_t virtual_address, unsigned level, std::uint64_t table) {
        memory_.put(entry_at(virtual_address, level), table | 0x63 | encryption_mask_);
    }

    // The physical address of the entry for `virtual_address` in its table of `level`; tables above it are
    // made where they are missing.
    std::uint64_t entry_at(std::uint64_t virtual_address, unsigned level) {
        std::uint64_t table = top_;
        for (unsigned at = levels_;; --at) {
            const std::uint64_t entry_at = table + (virtual_address >> (12 + 9 * (at - 1)) & 511) * 8;
            if (at == level)
                return entry_at;
            std::uint64_t entry = memory_.get<std::uint64_t>(entry_at);
            if ((entry & 1) == 0) {
                entry = allocate_() | 0x63 | encryption_mask_;
                memory_.put(entry_at, entry);
            }
            table = entry & 0x000ffffffffff000 & ~encryption_mask_;
        }
    }

private:
    PhysicalMemory& memory_;
    std::uint64_t top_;
    unsigned levels_;
    std::uint64_t encryption_mask_;
    AllocateFrame allocate_;
};

} // namespace lifeboat::tests
