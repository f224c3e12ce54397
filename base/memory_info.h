// SPDX-License-Identifier: GPL-2.0-or-later
// How much memory the machine has. Source: Linux Documentation/filesystems/proc.rst, /proc/meminfo.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace lifeboat {

// In KiB; 0: the text does not say.
struct MemoryInfo {
    std::uint64_t total_kib = 0;
    std::uint64_t free_kib = 0;
    std::uint64_t available_kib = 0;
};
MemoryInfo parse_memory_info(std::string_view text);
Result<MemoryInfo> read_memory_info(const std::string& path = "/proc/meminfo");

// The number of a line "key:   71348 kB"; 0 when there is none.
std::uint64_t parse_kib_line(std::string_view text, std::string_view key);

} // namespace lifeboat
