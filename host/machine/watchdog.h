// SPDX-License-Identifier: GPL-2.0-or-later
// The watchdog that ends a crash kernel which stands still: which one this machine has, and what a kernel
// needs to drive it. Source: Linux Documentation/ABI/testing/sysfs-class-watchdog, Documentation/watchdog/.
#pragma once

#include "host/config.h"
#include "host/machine/kernel_modules.h"
#include "stages/system_paths.h"

#include <cstdint>
#include <string>
#include <vector>

namespace lifeboat::host {

struct MachineWatchdog {
    enum class Kind : std::uint8_t {
        none,
        software, // the kernel's own timer: it needs a CPU that takes interrupts
        hardware, // it needs nothing of the kernel
    };
    Kind kind = Kind::none;
    std::string text; // which one, or what it means that there is none
    std::vector<std::string>
        modules; // that drive it in that kernel, the bus first; none where it is built in
    // Those that run on this machine and that the kernel has no driver for, a sentence each: they go on
    // counting through a panic.
    std::vector<std::string> unattended;
};

// For a kernel of this machine, which need not be the running one. A watchdog that runs here is taken first,
// then one that is registered here, then one whose device is here and whose driver never came, then softdog.
// Fails with no_data where the configuration names a module that the kernel has not.
Result<MachineWatchdog> find_watchdog(const SystemPaths& paths, const KernelModules& kernel,
                                      const Config& config);

// The manifest's fact with MachineWatchdog::text.
inline constexpr const char* watchdog_fact = "watchdog";

} // namespace lifeboat::host
