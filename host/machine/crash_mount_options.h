// SPDX-License-Identifier: GPL-2.0-or-later
// How a file system is to be mounted in the crash kernel, from how it is mounted on the healthy host.
//
// `rw,noatime`, and of the host's options only those without which the file system could not be mounted, or
// would not come through it as it was: all else is either the default, of no use to one writer (discard,
// nosuid, quotas of ext4), or does harm there (errors=panic, ro).
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace lifeboat::host {

struct CrashMountOptions {
    std::string options;
    std::vector<std::string> modules; // that mounting asks the kernel for: character sets
};

// `super_options` are those of the file system (MountEntry), empty when it is not mounted. Fails with
// unsupported where it is more than one device.
Result<CrashMountOptions> crash_mount_options(std::string_view type, std::string_view super_options);

} // namespace lifeboat::host
