// SPDX-License-Identifier: GPL-2.0-or-later
// Saves the dead kernel's log: the most evidence for its bytes, so it is first and durable before all else.
// Facts: `folder`, `dmesg_bytes`, `dmesg_records`, `refused` where it is the target that fails.
#pragma once

#include "stages/dump_folder.h"
#include "stages/stage_report.h"

#include <cstddef>

namespace lifeboat {

// Makes the dump's folder, where the request names none, and in it vmcore-dmesg.txt. Broken off, it leaves
// vmcore-dmesg.txt.incomplete, which a further attempt in the same folder replaces. Where nothing is free,
// older dumps go first, if the request says that they may.
Result<> save_kernel_log(const SaveRequest& request, StageReport& report);

// With no target the console is the only way left to bring the log ashore: its last `limit_bytes`, by lines.
Result<> show_kernel_log_tail(const SaveRequest& request, std::size_t limit_bytes, StageReport& report);

} // namespace lifeboat
