// SPDX-License-Identifier: GPL-2.0-or-later
// Puts the crash kernel in the memory reserved for it: kexec_file_load(2) of /crash/vmlinuz, /crash/initrd
// with the command line /crash/cmdline.
#pragma once

namespace guest {

void load_crash_kernel();

} // namespace guest
