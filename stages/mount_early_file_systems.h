// SPDX-License-Identifier: GPL-2.0-or-later
// Mounts /proc, /sys and /dev, each only where nothing is mounted yet. Runs before there is a log: what went
// wrong is returned, one sentence each, and survived.
#pragma once

#include "stages/system_paths.h"

#include <string>
#include <vector>

namespace lifeboat {

std::vector<std::string> mount_early_file_systems(const SystemPaths& paths);

} // namespace lifeboat
