// SPDX-License-Identifier: GPL-2.0-or-later
// Where a target lies: from what the administrator wrote to the file system, its device, and the line of the
// plan by which the crash kernel finds it again.
#pragma once

#include "base/result.h"
#include "host/machine/device_chain.h"
#include "host/machine/known_devices.h"
#include "stages/plan.h"
#include "stages/system_paths.h"

#include <string>
#include <string_view>
#include <vector>

namespace lifeboat::host {

struct TargetPlace {
    Target target;                  // for the plan: by the file system's UUID where it has one
    std::uint64_t device_bytes = 0; // of the device that it is on; 0: not known
    DeviceChain chain;
    std::vector<std::string> modules; // beyond those of devices and file system: character sets
    bool is_read_only = false;        // its file system is mounted so on this host
    std::string folder_on_host;       // where the dumps are seen on this host; empty when it is not mounted
};

// `text` is a folder ("/var/crash") or a target as in the plan ("UUID=... /crash ext4 rw"). A folder that
// does not exist is made in the crash kernel. Fails with invalid where the text cannot be understood, with
// unsupported where no dump can be written to what it names, and says what to do.
Result<TargetPlace> locate_target(const SystemPaths& paths, std::string_view text,
                                  DeviceView view = DeviceView::read);

// Only where its dumps are seen on this host, as TargetPlace::folder_on_host: also of a target to which none
// can be written. A folder as it is named, links followed; no_data where what is named by its device is not
// mounted.
Result<std::string> find_dump_folder(const SystemPaths& paths, std::string_view text);

} // namespace lifeboat::host
