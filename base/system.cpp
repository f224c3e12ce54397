// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/system.h"

#include <cerrno>

#include <linux/netlink.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace lifeboat::sys {

int mount(const char* source, const char* target, const char* type, unsigned long flags, const char* data) {
    return ::mount(source, target, type, flags, data);
}

int unmount(const char* target, int flags) {
    return ::umount2(target, flags);
}

int make_node(const char* path, mode_t mode, dev_t device) {
    return ::mknod(path, mode, device);
}

// Neither musl nor older glibc wraps finit_module(2).
int load_module(int fd, const char* parameters, int flags) {
    return static_cast<int>(::syscall(SYS_finit_module, fd, parameters, flags));
}

int change_root(const char* folder) {
    return ::chroot(folder);
}

int execute(char* const* words, char* const* environment) {
    return ::execve(words[0], words, environment);
}

int sync_all() {
    ::sync();
    return 0;
}

int sync_file_system(int fd) {
    return ::syncfs(fd);
}

int reboot(int command) {
    return ::reboot(command);
}

int kexec_file_load(int kernel_fd, int initrd_fd, std::size_t command_line_bytes, const char* command_line,
                    unsigned long flags) {
    return static_cast<int>(
        ::syscall(SYS_kexec_file_load, kernel_fd, initrd_fd, command_line_bytes, command_line, flags));
}

int open_uevents() {
    const int fd = ::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
    if (fd < 0)
        return -1;
    // Thousands of events may come while a coldplug loads modules; what does not fit is noticed (ENOBUFS).
    const int buffer_bytes = 1 << 20;
    (void)::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof buffer_bytes);
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = 1; // the kernel's own events
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
        return fd;
    const int saved = errno;
    ::close(fd);
    errno = saved;
    return -1;
}

void exit_process(int status) {
    ::_exit(status);
}

} // namespace lifeboat::sys
