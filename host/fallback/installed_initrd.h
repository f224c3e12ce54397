// SPDX-License-Identifier: GPL-2.0-or-later
// Where distributions put a kernel's initrd.
#pragma once

#include "stages/system_paths.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lifeboat::host {

// Without paths.root: "/boot/initrd.img-6.1.0-56-amd64". Nothing where none is there.
std::optional<std::string> find_installed_initrd(const SystemPaths& paths, std::string_view version);

// The versions whose images are in /boot, the newest first.
std::vector<std::string> kernels_in_boot(const SystemPaths& paths);

} // namespace lifeboat::host
