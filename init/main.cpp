// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/system.h"
#include "init/boot.h"
#include "init/early_descriptors.h"

#include <algorithm>

int main(int count, char** words) {
    lifeboat::open_standard_descriptors();
    lifeboat::reboot_on_own_fault();
    lifeboat::boot(lifeboat::SystemPaths{}, {words + std::min(count, 1), words + count});
    lifeboat::sys::exit_process(1); // the kernel panics, and its panic timeout reboots
}
