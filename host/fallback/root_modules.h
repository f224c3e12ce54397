// SPDX-License-Identifier: GPL-2.0-or-later
// The modules that a kernel needs to reach this machine's root file system.
#pragma once

#include "base/result.h"
#include "stages/system_paths.h"

#include <string>
#include <string_view>
#include <vector>

namespace lifeboat::host {

// Names, as "virtio_scsi": those of the devices' drivers below the root file system (which is mounted at
// paths.root, or at / where that is empty), of what lies between (device mapper, RAID), of the file system,
// and what these depend on; none for what that kernel has built in. Fails where it cannot be told, as for a
// root file system across a network or in memory, or a kernel without modules installed.
Result<std::vector<std::string>> modules_for_root(const SystemPaths& paths, std::string_view version);

} // namespace lifeboat::host
