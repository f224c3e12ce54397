// SPDX-License-Identifier: GPL-2.0-or-later
#include "qemu/guest/crash_kernel.h"

#include "base/descriptor.h"
#include "qemu/guest/console.h"

#include <linux/kexec.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace guest {

using lifeboat::open_file;

void load_crash_kernel() {
    const auto kernel = must(open_file("/crash/vmlinuz", O_RDONLY));
    const auto initrd = must(open_file("/crash/initrd", O_RDONLY));
    const std::string line = must(lifeboat::read_file("/crash/cmdline"));
    // The kernel wants the length with the closing zero.
    const long answer = syscall(SYS_kexec_file_load, kernel.get(), initrd.get(), line.size() + 1,
                                line.c_str(), static_cast<unsigned long>(KEXEC_FILE_ON_CRASH));
    must_call(answer, "load the crash kernel");
    unlink("/crash/vmlinuz");
    unlink("/crash/initrd");
}

} // namespace guest
