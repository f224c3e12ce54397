// SPDX-License-Identifier: GPL-2.0-or-later
// A boot without a vmcore: this initrd in place of one that is broken. Finds the root file system, says how
// it and the installed initrds are, repairs them where that is asked for, and starts the system's own init;
// or asks on the console.
#pragma once

#include "init/boot.h"
#include "init/boot_log.h"

namespace lifeboat {

// Comes back where no system was started: what the machine is to do.
Action rescue_boot(const BootStart& start, BootLog& log);

} // namespace lifeboat
