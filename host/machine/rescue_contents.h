// SPDX-License-Identifier: GPL-2.0-or-later
// What is put into the rescue image: an initrd that boots this machine's root file system, and that of
// another one with common hardware, without a program of the system's own. init, the host command for looking
// at initrds and the console, and modules with an index by which init finds those for the devices it meets.
#pragma once

#include "base/result.h"
#include "host/machine/initrd_contents.h"
#include "host/machine/target_place.h"
#include "stages/plan.h"
#include "stages/system_paths.h"

#include <string>

namespace lifeboat::host {

struct RescueRequest {
    std::string version;
    std::string init;    // path
    std::string command; // path of the host command
    ConsoleAccess console = ConsoleAccess::locked;
};

struct RescueContents {
    InstalledKernel kernel;
    TargetPlace root;
    Plan plan;
    InitrdContents contents;
};

// Fails with unsupported where root is on something that init alone cannot reach (LVM, LUKS, RAID, network),
// with no_data where a file is missing. Needs depmod(8), which is there wherever kernels are installed.
Result<RescueContents> gather_rescue_contents(const SystemPaths& paths, const RescueRequest& request);

} // namespace lifeboat::host
