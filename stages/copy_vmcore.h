// SPDX-License-Identifier: GPL-2.0-or-later
// Writes the dead machine's memory, filtered and compressed, into the dump's folder.
// Facts: `folder`, `bytes` and what the summary line counts (init/summary.h).
#pragma once

#include "stages/dump_files.h"
#include "stages/dump_folder.h"
#include "stages/stage_report.h"
#include "vmcore/dump.h"

#include <cstdint>

namespace lifeboat {

struct CopyRequest {
    SaveRequest save;
    DumpOptions options; // threads 0: as many as CPUs

    // The second attempt writes beside what the first one left, and where the file system has no room for
    // both, over it if that had not got half way: a partial dump that stands is not given up for a smaller
    // one.
    bool second_attempt = false;
    std::uint64_t expected_bytes = 0; // from the first attempt's progress; 0: not known
    bool first_got_half_way = false;
};

// Facts: `refused` where it is the target that fails.
// On failure what was written stays under its working name, its header marked incomplete.
Result<> copy_vmcore(const CopyRequest& request, StageReport& report);

} // namespace lifeboat
