// SPDX-License-Identifier: GPL-2.0-or-later
// The file systems that the root file system's own /etc/fstab has beside it, and that are needed before its
// init runs: /usr, without which there may be no init, and /boot, where the initrds are.
#pragma once

#include "base/log.h"
#include "stages/mount_target.h"
#include "stages/system_paths.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lifeboat {

// Mounts the rows of paths.mount_point/etc/fstab for these folders, read-only, where they have any; those
// that are mounted now. What cannot be mounted is said in the log, and the others are.
// Runs in a child of PID 1.
std::vector<std::string> mount_from_fstab(const SystemPaths& paths, std::span<const std::string_view> folders,
                                          Deadline deadline, Log& log);

} // namespace lifeboat
