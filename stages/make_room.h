// SPDX-License-Identifier: GPL-2.0-or-later
// Older dumps give way to the one that is being made, where the plan says so.
#pragma once

#include "stages/dump_folder.h"
#include "stages/stage_report.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace lifeboat {

struct Room {
    std::uint64_t bytes = 0;
    std::uint64_t files = 0;
};

// Removes dumps in the target's folder, oldest first, until that much is free on its file system or none may
// go any more: the newest of them stays, and so does the newest that is complete; `own`, the folder that is
// being made, is none of them. What is removed, and what cannot be, is reported in lines that begin with
// `stage` and `why`.
void make_room(const SaveRequest& request, const std::string& own, const Room& wanted, std::string_view stage,
               std::string_view why, StageReport& report);

} // namespace lifeboat
