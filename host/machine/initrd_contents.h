// SPDX-License-Identifier: GPL-2.0-or-later
// What is put into the initrd: init, its plan, the modules with the firmware that they may ask for, and the
// folders that init mounts on (rootfs-skel/). Nothing of the host's sysctl settings: what suits a host's
// memory or its hundred processes can keep a crash kernel from working.
#pragma once

#include "base/result.h"
#include "host/archive/initrd_writer.h"
#include "host/machine/machine_plan.h"
#include "host/machine/module_signatures.h"
#include "stages/system_paths.h"

#include <cstdint>
#include <string>
#include <vector>

namespace lifeboat::host {

struct CarriedFile {
    std::string name;   // a module's, or a firmware's path below /lib/firmware
    std::string source; // path on this machine
    std::uint64_t bytes = 0;
};

struct InitrdContents {
    InitrdWriter writer;
    std::vector<CarriedFile> modules;
    std::vector<CarriedFile> firmware;
    std::uint64_t module_memory_bytes = 0; // once they are loaded
    ModuleSignatures signatures = ModuleSignatures::must_stay;
};

// Reads it all into memory. Fails where one of the files is missing or is not what it should be.
Result<InitrdContents> gather_contents(const SystemPaths& paths, const MachinePlan& machine,
                                       const std::string& init_path);

} // namespace lifeboat::host
