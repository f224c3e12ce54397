// SPDX-License-Identifier: GPL-2.0-or-later
// Puts the crash kernel in the memory reserved for it: /crash/vmlinuz, /crash/initrd, with the command line
// /crash/cmdline. By kexec_file_load(2), or with the option "kexec-load" by kexec(8) and kexec_load(2), which
// describe the dead kernel's memory differently.
#pragma once

namespace guest {

void load_crash_kernel();

} // namespace guest
