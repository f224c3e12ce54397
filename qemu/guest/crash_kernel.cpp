// SPDX-License-Identifier: GPL-2.0-or-later
#include "qemu/guest/crash_kernel.h"

#include "base/descriptor.h"
#include "qemu/guest/command_line.h"
#include "qemu/guest/console.h"
#include "qemu/guest/run_program.h"

#include <string>
#include <vector>

#include <linux/kexec.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace guest {

using lifeboat::open_file;

static void load_by_file() {
    const auto kernel = must(open_file("/crash/vmlinuz", O_RDONLY));
    const auto initrd = must(open_file("/crash/initrd", O_RDONLY));
    const std::string line = must(lifeboat::read_file("/crash/cmdline"));
    // The kernel wants the length with the closing zero.
    const long answer = syscall(SYS_kexec_file_load, kernel.get(), initrd.get(), line.size() + 1,
                                line.c_str(), static_cast<unsigned long>(KEXEC_FILE_ON_CRASH));
    must_call(answer, "load the crash kernel");
}

static void run_or_give_up(const std::vector<std::string>& words) {
    if (const int status = run_program(words); status != 0)
        give_up(std::format("'{}' ended with status {:#x}", words[0], status));
}

static void load_by_kexec_tools() {
    run_or_give_up({"/sbin/kexec", "--load-panic", "--kexec-syscall", "--initrd=/crash/initrd",
                    "--append=" + must(lifeboat::read_file("/crash/cmdline")), "/crash/vmlinuz"});
}

// By the host command, which composes the command line itself.
static void load_by_lifeboat() {
    mkdir("/run", 0755);
    run_or_give_up({"/sbin/lifeboat", "load", "--image", "/crash/vmlinuz", "--initrd", "/crash/initrd",
                    "--config", "/crash/lifeboat.conf"});
}

void load_crash_kernel() {
    if (option("kexec-load"))
        load_by_kexec_tools();
    else if (option("lifeboat-load"))
        load_by_lifeboat();
    else
        load_by_file();
    unlink("/crash/vmlinuz");
    unlink("/crash/initrd");
}

} // namespace guest
