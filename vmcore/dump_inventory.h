// SPDX-License-Identifier: GPL-2.0-or-later
// What is in a core or a dump: counts of pages by what they are and by how they are stored.
#pragma once

#include "base/result.h"
#include "vmcore/core_file.h"
#include "vmcore/dump.h"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace lifeboat {

struct DumpInventory {
    std::uint64_t present_pages = 0;  // of the machine's memory
    std::uint64_t held_pages = 0;     // of these, in the file
    std::uint64_t left_out_pages = 0; // left out when the file was made; what is neither is lost
    // What the pages are, also those that are left out, as the memmap in the file tells.
    std::array<std::uint64_t, page_class_count> pages_by_class{};

    struct Stored {
        std::uint64_t pages = 0;
        std::uint64_t bytes = 0; // of data, counted again for each page that shares it
    };
    // By the flags of the descriptor; empty of an ELF core.
    std::map<std::uint32_t, Stored> stored;
    std::uint64_t lost_pages = 0; // have a descriptor that says so, or no room for one in the file
    std::vector<std::string> doubts;
};

// Reads the memmap, the bitmaps and the descriptors, and no other page. Fails where the file cannot be read.
Result<DumpInventory> take_inventory(const CoreFile& core);

} // namespace lifeboat
