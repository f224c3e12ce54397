// SPDX-License-Identifier: GPL-2.0-or-later
// The prompt of a rescue boot, on a terminal: a few commands to see what is wrong and to mend it. What can
// read or change data asks for root's password first, as it stands in the root file system.
#pragma once

#include "stages/console_order.h"
#include "stages/system_paths.h"

#include <cstdint>
#include <string>

namespace lifeboat::host {

struct ConsoleSetting {
    SystemPaths paths;
    std::string root; // where the root file system is mounted
    bool root_is_mounted = false;
    bool has_password = false; // root's password there counts; without it nobody's is known
    bool is_open = false;      // then all may be done without one
    std::int64_t idle_ms = 0;  // without a line for that long the machine reboots
};

// Talks on the standard input and output until it is told what PID 1 is to do. A terminal that takes nothing
// for longer than `idle_ms` and a minute ends the process (SIGALRM).
ConsoleOrder run_console(const ConsoleSetting& setting);

} // namespace lifeboat::host
