// SPDX-License-Identifier: GPL-2.0-or-later
// A second reader of kdump-compressed files, for checking what was written: it shares no code with the writer
// and looks at more than a reader needs to.
// Source: makedumpfile diskdump_mod.h and IMPLEMENTATION; crash diskdump.c.
#pragma once

#include "tests/builders/physical_memory.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lifeboat::tests {

class KdumpFile {
public:
    struct Descriptor {
        std::uint64_t offset;
        std::uint32_t bytes;
        std::uint32_t flags;
        std::uint64_t page_flags;
    };

    // Throws std::runtime_error where the file contradicts itself.
    explicit KdumpFile(const std::string& path);

    std::int32_t version = 0;
    std::string node_name;
    std::string release;
    std::int64_t crash_time = 0;
    std::uint32_t status = 0;
    std::int32_t block_bytes = 0;
    std::int32_t cpu_count = 0;
    std::uint64_t phys_base = 0;
    std::int32_t dump_level = 0;
    std::uint64_t max_mapnr = 0;
    std::string vmcoreinfo;
    std::string notes;
    std::vector<std::uint64_t> present;  // pfns of bitmap 1
    std::vector<std::uint64_t> dumped;   // pfns of bitmap 2
    std::vector<Descriptor> descriptors; // one for each of `dumped`
    std::uint64_t data_at = 0;           // descriptors end here
    std::uint64_t file_bytes = 0;

    [[nodiscard]] bool is_complete() const { return (status & 0x8) == 0; }
    // Of the page of that index in `dumped`; nothing where its descriptor says that it was lost.
    [[nodiscard]] std::optional<PageBytes> page(std::size_t index) const;

private:
    [[nodiscard]] std::string read(std::uint64_t offset, std::uint64_t bytes) const;
    std::string path_;
};

} // namespace lifeboat::tests
