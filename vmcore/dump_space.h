// SPDX-License-Identifier: GPL-2.0-or-later
// Whether a dump will fit where it goes, before its first page is written.
#pragma once

#include "base/result.h"
#include "vmcore/core_file.h"
#include "vmcore/dump.h"
#include "vmcore/dump_writer.h"

#include <cstdint>

namespace lifeboat {

struct DumpSpace {
    std::uint64_t free_bytes = 0;     // on the output's file system, for this process
    std::uint64_t bound_bytes = 0;    // the dump is not larger, whatever its pages hold
    std::uint64_t expected_bytes = 0; // from a sample of its pages, and a tenth; the bound where that fits
    [[nodiscard]] bool is_sure() const { return bound_bytes <= free_bytes; }
    [[nodiscard]] bool is_enough() const { return expected_bytes <= free_bytes; }
};

// After the bitmaps are written. `page_count`: pages that will be written. The sample is spread evenly over
// them and is only taken where the bound does not fit; some hundredths of a second.
Result<DumpSpace> forecast_dump_space(const CoreFile& core, int output_fd, DumpWriter& writer,
                                      std::uint64_t page_count, Compression compression);

} // namespace lifeboat
