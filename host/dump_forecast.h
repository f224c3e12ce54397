// SPDX-License-Identifier: GPL-2.0-or-later
// What a dump of a core would be at a dump level, without making it: the pages that the level keeps are
// counted, and an even sample of them is compressed.
#pragma once

#include "base/result.h"
#include "vmcore/core_file.h"
#include "vmcore/dump.h"

#include <cstdint>
#include <string>
#include <vector>

namespace lifeboat::host {

struct DumpForecast {
    unsigned level = 0;
    std::uint64_t pages = 0;         // that the level keeps
    std::uint64_t bytes = 0;         // of the dump: compressed pages, descriptors and bitmaps
    std::uint64_t sampled_pages = 0; // that could be read
    std::uint64_t nanoseconds = 0;   // of one CPU, to read and compress them all
    std::vector<std::string> doubts; // where the core did not tell enough to leave pages out
};

// `core` may be the live kernel's /proc/kcore: what changes meanwhile is counted as it was met.
Result<DumpForecast> forecast_dump(const CoreFile& core, unsigned level, Compression compression);

} // namespace lifeboat::host
