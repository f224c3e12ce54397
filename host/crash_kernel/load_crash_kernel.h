// SPDX-License-Identifier: GPL-2.0-or-later
// Loading a crash kernel into the reservation, and taking it out again: kexec_file_load(2) itself.
//
// The kernel has one crash kernel at most, and frees it before it puts another in its place: after a load
// that failed in the kernel there is none. What can be checked before is checked before. Source: Linux
// kernel/kexec_file.c, kexec_file_load(); arch/x86/kernel/kexec-bzimage64.c.
#pragma once

#include "base/result.h"
#include "host/crash_kernel/crash_kernel_state.h"

#include <string>

namespace lifeboat::host {

struct CrashKernelFiles {
    std::string image;
    std::string initrd;
};

// Whether there is a reservation at all.
Result<> check_can_hold_crash_kernel(const CrashKernelState& state);
// Takes the place of one that is loaded. Errors say what to do about it.
Result<> load_crash_kernel(const CrashKernelFiles& files, const std::string& command_line,
                           const CrashKernelState& state);
// It is no failure when none is loaded.
Result<> unload_crash_kernel(const CrashKernelState& state);

// What errno of a failed load means on a machine in this state, and what to do: to be put behind the error's
// text. Empty where there is nothing to add. `is_root`: whether the caller may load at all.
std::string load_remedy(int os_error, const CrashKernelState& state, bool is_root);

} // namespace lifeboat::host
