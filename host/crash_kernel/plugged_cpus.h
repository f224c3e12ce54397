// SPDX-License-Identifier: GPL-2.0-or-later
// CPUs that were plugged in while the machine ran and that nobody has brought up. A panic's NMI goes to every
// CPU that is present, and one that never ran may answer it by resetting the machine, before the crash
// kernel's first instruction (seen with QEMU). x86.
#pragma once

#include "stages/system_paths.h"

#include <string_view>
#include <vector>

namespace lifeboat::host {

// Their numbers. None where it cannot be told which CPUs were there at boot: that takes root, and ACPI.
std::vector<unsigned> sleeping_plugged_cpus(const SystemPaths& paths);

// How many CPUs the firmware's table calls enabled, as it was at boot: the first numbers are theirs. 0: it is
// not understood. Source: ACPI 6.5, 5.2.12, Multiple APIC Description Table.
unsigned count_cpus_at_boot(std::string_view madt);

} // namespace lifeboat::host
