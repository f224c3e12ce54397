// SPDX-License-Identifier: GPL-2.0-or-later
// Where the system's files are, so that tests can put a temporary tree in their place.
#pragma once

#include <string>

namespace lifeboat {

struct SystemPaths {
    std::string proc = "/proc";
    std::string sys = "/sys";
    std::string dev = "/dev";
    std::string root;                        // in front of /etc, /lib, ...
    std::string mount_point = "/target";     // where the target is mounted; made when missing
    std::string own_nodes = "/lifeboat-dev"; // device nodes made by hand where /dev has none
    std::string run = "/run";                // mounted in a rescue boot only

    [[nodiscard]] std::string plan() const { return root + "/etc/lifeboat/plan"; }
    [[nodiscard]] std::string vmcore() const { return proc + "/vmcore"; }
};

} // namespace lifeboat
