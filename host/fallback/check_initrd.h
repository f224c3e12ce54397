// SPDX-License-Identifier: GPL-2.0-or-later
// Whether a kernel would boot with an initrd, as far as the initrd tells: it is whole, has an init, has that
// kernel's modules, and among them those by which this machine reaches its root file system.
#pragma once

#include "base/result.h"
#include "stages/system_paths.h"

#include <string>
#include <string_view>
#include <vector>

namespace lifeboat::host {

struct InitrdVerdict {
    std::string kernel;
    std::string path;                 // without paths.root; empty: the kernel has none
    std::vector<std::string> reasons; // why it is broken, one sentence each
    std::string not_checked;          // what could not be, and why

    [[nodiscard]] bool is_whole() const { return reasons.empty(); }
};

// `path` without paths.root. Reads all of it. What is wrong is in the verdict.
InitrdVerdict check_initrd(const SystemPaths& paths, const std::string& version, const std::string& path);

// Of every kernel in /boot, the newest first. A kernel without an initrd is broken where one of its version
// is known good, else it is taken to need none.
std::vector<InitrdVerdict> check_installed_initrds(const SystemPaths& paths);
InitrdVerdict check_installed_initrd(const SystemPaths& paths, const std::string& version);

} // namespace lifeboat::host
