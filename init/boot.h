// SPDX-License-Identifier: GPL-2.0-or-later
// The boot of the crash kernel, from nothing mounted to the final action.
#pragma once

#include "init/final_action.h"
#include "stages/system_paths.h"

namespace lifeboat {

// Does not return on a machine that obeys: at its end the machine reboots (or what the plan says). Returns
// where even that failed; PID 1 then ends.
void boot(const SystemPaths& paths, const FinalActionTimes& times = {});

} // namespace lifeboat
