// SPDX-License-Identifier: GPL-2.0-or-later
// Applies sysctl settings from the initrd's files as `sysctl --system` and systemd-sysctl do.
// Source: sysctl(8), sysctl.conf(5) (procps 4.0.2), sysctl.d(5) (systemd 252).
#pragma once

#include "base/log.h"
#include "stages/system_paths.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lifeboat {

struct SysctlSetting {
    std::string path; // below /proc/sys, with slashes; may be a glob(7)
    std::string value;
    std::string where; // "'/etc/sysctl.d/10-a.conf' line 3"
    bool ignore_failure = false;
    bool exclude_only = false; // `-key` without a value: no glob sets this key
};

// The settings of one file, added to those of the files before it: a later one for the same key takes its
// place. Returns what could not be used, one sentence each.
std::vector<std::string> parse_sysctl_file(std::string_view text, std::string_view name,
                                           std::vector<SysctlSetting>& settings);

// The files to read, in order: those of the sysctl.d folders by name, then sysctl.conf.
std::vector<std::string> list_sysctl_files(const SystemPaths& paths);

struct SysctlCounts {
    std::size_t applied = 0;
    std::size_t failed = 0;
};
SysctlCounts apply_sysctl(const SystemPaths& paths, Log& log);

} // namespace lifeboat
