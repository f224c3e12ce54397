// SPDX-License-Identifier: GPL-2.0-or-later
// What the crash kernel will need to do on this machine, worked out while the machine is well.
#pragma once

#include "base/result.h"
#include "host/config.h"
#include "host/machine/installed_kernel.h"
#include "host/machine/kernel_modules.h"
#include "host/machine/target_place.h"
#include "host/machine/watchdog.h"
#include "stages/plan.h"
#include "stages/system_paths.h"

#include <string>
#include <string_view>
#include <vector>

namespace lifeboat::host {

struct MachinePlan {
    InstalledKernel kernel;
    Plan plan;
    std::vector<TargetPlace> places;   // of the plan's targets
    std::vector<ModuleToLoad> modules; // of the plan's modules
    MachineWatchdog watchdog;
};

// For `version`, which need not be the running kernel's. Whatever would fail after a crash fails here, with
// what to do about it: every target must be one that a dump can be written to.
Result<MachinePlan> plan_for_machine(const SystemPaths& paths, std::string_view version, const Config& config,
                                     DeviceView view = DeviceView::read);

// Where a module's file lies in the initrd: decompressed, without the suffix of what compressed it.
std::string path_in_initrd(const ModuleToLoad& module, const InstalledKernel& kernel);

} // namespace lifeboat::host
