// SPDX-License-Identifier: GPL-2.0-or-later
// The calls that change the whole machine, and nothing else: the seam at which unit tests link fakes that
// record (tests/fakes/) in place of base/system.cpp. Each is the system call of its name: -1 and errno on
// failure.
#pragma once

#include <cstddef>

#include <sys/types.h>

namespace lifeboat::sys {

int mount(const char* source, const char* target, const char* type, unsigned long flags, const char* data);
int unmount(const char* target, int flags);
int make_node(const char* path, mode_t mode, dev_t device);
int load_module(int fd, const char* parameters, int flags);
int change_root(const char* folder); // chroot(2)
// execve(2) of the path, which is the first of the words; both lists end in nullptr.
int execute(char* const* words, char* const* environment);
int sync_all();               // sync(2)
int sync_file_system(int fd); // syncfs(2)
int reboot(int command);      // RB_AUTOBOOT, ...: comes back only when it failed
// Descriptors of -1 and KEXEC_FILE_UNLOAD among the flags: unloads. The line's size is counted with its
// closing zero.
int kexec_file_load(int kernel_fd, int initrd_fd, std::size_t command_line_bytes, const char* command_line,
                    unsigned long flags);
int open_uevents();                         // a bound NETLINK_KOBJECT_UEVENT socket, non-blocking
[[noreturn]] void exit_process(int status); // of PID 1: the kernel then panics

} // namespace lifeboat::sys
