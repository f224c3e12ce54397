// SPDX-License-Identifier: GPL-2.0-or-later
// The end of a rescue boot: the root file system takes the place of this initrd, and its init that of ours.
#pragma once

#include "base/result.h"
#include "stages/system_paths.h"

#include <string>
#include <vector>

namespace lifeboat {

struct NextInit {
    std::string path; // on the root file system
    std::vector<std::string> arguments;
};

// The first of `wanted` (none: the kernel's own list) that is a program on what is mounted at
// paths.mount_point. Looks from within, so for a child. Fails with no_data.
Result<std::string> find_init(const SystemPaths& paths, const std::string& wanted);

// /dev, /proc, /sys and /run move along, what is in the initrd is removed from memory. Comes back only when
// it failed, and then the root file system may have been entered.
Error hand_over(const SystemPaths& paths, const NextInit& next);

} // namespace lifeboat
