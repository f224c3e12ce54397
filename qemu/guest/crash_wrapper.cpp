// SPDX-License-Identifier: GPL-2.0-or-later
#include "qemu/guest/crash_wrapper.h"

#include "qemu/guest/command_line.h"
#include "qemu/guest/console.h"
#include "qemu/guest/doctored_vmcore.h"
#include "qemu/guest/machine.h"
#include "qemu/guest/raw_copy.h"
#include "qemu/guest/saboteur.h"

#include <array>
#include <cstdlib>

#include <sys/mount.h>
#include <unistd.h>

namespace guest {

static void remove_console() {
    unlink("/dev/console");
    for (const int fd : {0, 1, 2})
        close(fd);
}

// The real init is to find the machine as the kernel leaves it.
static void unmount_early() {
    umount2("/dev", MNT_DETACH);
    umount2("/sys", MNT_DETACH);
    umount2("/proc", MNT_DETACH);
}

[[noreturn]] static void become_lifeboat() {
    static const char* path = "/init.lifeboat";
    std::array<char*, 2> arguments = {const_cast<char*>(path), nullptr};
    std::array<char*, 1> environment = {nullptr};
    execve(path, arguments.data(), environment.data());
    give_up("there is no '/init.lifeboat'");
}

void run_crash_wrapper() {
    load_listed_modules();
    if (option("raw"))
        copy_raw_vmcore();
    if (const auto how = option("vmcore"))
        doctor_vmcore(*how);
    if (const auto how = option("saboteur"))
        start_saboteur({.how = *how,
                        .stage = option("victim").value_or("vmcore"),
                        .every_time = option("every-time").has_value(),
                        .delay_ms = std::strtoull(option("delay").value_or("100").c_str(), nullptr, 10)});
    if (option("noconsole"))
        remove_console();
    else if (!option("vmcore") && !option("saboteur"))
        unmount_early();
    become_lifeboat();
}

} // namespace guest
