// SPDX-License-Identifier: GPL-2.0-or-later
// The harness's own init, in both kernels: the one that crashes and, for some cases, the one that captures.
#include "qemu/guest/command_line.h"
#include "qemu/guest/crash_wrapper.h"
#include "qemu/guest/first_kernel.h"
#include "qemu/guest/machine.h"
#include "qemu/guest/memory_report.h"
#include "qemu/guest/run_commands.h"

#include <unistd.h>

int main() {
    guest::mount_early();
    if (guest::option("memory-report"))
        guest::report_memory();
    if (const auto commands = guest::option("run"))
        guest::run_commands(*commands);
    if (access("/proc/vmcore", F_OK) == 0)
        guest::run_crash_wrapper();
    guest::run_first_kernel();
}
