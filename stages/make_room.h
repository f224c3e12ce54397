// SPDX-License-Identifier: GPL-2.0-or-later
// Older dumps give way to the one that is being made, where the plan says so.
#pragma once

#include "stages/dump_folder.h"
#include "stages/stage_report.h"

#include <cstdint>

namespace lifeboat {

// Removes dumps beside `folder`, the one that is being made, oldest first, until `wanted_bytes` are free on
// its file system or none may go any more: the newest of them stays, and so does the newest that is complete.
// What is removed, and what cannot be, is reported.
void make_room(const SaveRequest& request, const DumpFolder& folder, std::uint64_t wanted_bytes,
               StageReport& report);

} // namespace lifeboat
