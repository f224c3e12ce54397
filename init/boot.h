// SPDX-License-Identifier: GPL-2.0-or-later
// The boot, from nothing mounted to the final action: after a panic the dump is saved, else the system's own
// init is started.
#pragma once

#include "init/final_action.h"
#include "stages/system_paths.h"

#include <cstdint>
#include <string>
#include <vector>

namespace lifeboat {

// What is known before the first stage.
struct BootStart {
    const SystemPaths& paths;
    std::vector<std::string> arguments;  // PID 1's own: what the kernel does not know of its command line
    std::vector<std::string> complaints; // of the early mounts
    std::int64_t started_ms = 0;         // monotonic
};

// Does not return on a machine that obeys: at its end another init runs, or the machine reboots (or what the
// plan says). Returns where even that failed; PID 1 then ends.
void boot(const SystemPaths& paths, const std::vector<std::string>& arguments = {},
          const FinalActionTimes& times = {});

} // namespace lifeboat
