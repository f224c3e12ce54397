// SPDX-License-Identifier: GPL-2.0-or-later
// The boot of the crash kernel: the evidence is brought ashore.
#pragma once

#include "init/boot.h"
#include "init/boot_log.h"

namespace lifeboat {

// What the machine is to do at the end.
Action crash_boot(const BootStart& start, BootLog& log);

} // namespace lifeboat
