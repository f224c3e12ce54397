// SPDX-License-Identifier: GPL-2.0-or-later
// After attempts at the vmcore that broke off: looks at what really stands on disk, keeps the better one as
// vmcore.incomplete and tells what is in it. A child that was killed could not.
// Facts: `bytes`, `dumped`.
#pragma once

#include "stages/dump_folder.h"
#include "stages/stage_report.h"

#include <cstdint>

namespace lifeboat {

struct PartialDump {
    std::uint64_t bytes = 0;
    std::uint64_t pages = 0; // those with a descriptor and all their data
};

// Of a file that vmcore/kdump_writer.h wrote, however far it came.
Result<PartialDump> measure_partial_dump(int fd);

Result<> settle_partial_dump(const SaveRequest& request, StageReport& report);

} // namespace lifeboat
