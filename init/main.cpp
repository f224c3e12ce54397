// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/system.h"
#include "init/boot.h"
#include "init/early_descriptors.h"

int main() {
    lifeboat::open_standard_descriptors();
    lifeboat::reboot_on_own_fault();
    lifeboat::boot(lifeboat::SystemPaths{});
    lifeboat::sys::exit_process(1); // the kernel panics, and its panic timeout reboots
}
