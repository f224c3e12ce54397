// SPDX-License-Identifier: GPL-2.0-or-later
#include "qemu/guest/first_kernel.h"

#include "base/descriptor.h"
#include "qemu/guest/balloon.h"
#include "qemu/guest/command_line.h"
#include "qemu/guest/console.h"
#include "qemu/guest/crash_kernel.h"
#include "qemu/guest/machine.h"
#include "qemu/guest/memory_blocks.h"
#include "qemu/guest/memory_load.h"
#include "qemu/guest/ways_to_die.h"

#include <cstdlib>

#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace guest {

// The tests look for this task in the dump; 15 characters are all a task's name can have.
static constexpr const char* panicking_task = "lifeboat-panics";

// The CPU that panics boots the crash kernel, and some kernels then do without the first CPU if it was
// another.
static void run_on_chosen_cpu() {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    const auto last = static_cast<std::size_t>(sysconf(_SC_NPROCESSORS_ONLN) - 1);
    CPU_SET(option("panic-on-last-cpu") ? last : 0, &cpus);
    must_call(sched_setaffinity(0, sizeof cpus, &cpus), "choose the CPU to panic on");
}

[[noreturn]] static void cause_panic() {
    if (must_call(fork(), "fork") == 0) {
        prctl(PR_SET_NAME, panicking_task);
        run_on_chosen_cpu();
        die(option("dies").value_or("sysrq"));
    }
    for (;;)
        pause();
}

// A file system is seldom clean when its kernel dies: the dump's target is left mounted, its journal in use.
static void use_target() {
    mount_at(find_disk("guest-target"), "/target", "ext4");
    must(lifeboat::open_file("/target/left-open", O_WRONLY | O_CREAT, 0600));
    sync();
    must(lifeboat::open_file("/target/left-unsynced", O_WRONLY | O_CREAT, 0600));
}

static std::size_t mebibytes(std::string_view name) {
    return std::strtoull(option(name).value_or("0").c_str(), nullptr, 10);
}

// Which memory there is to dump is worked out when the crash kernel is loaded; newer kernels keep that up to
// date when memory comes later.
static void load_crash_kernel_and_plug() {
    const std::size_t dimm_mebibytes = mebibytes("dimm");
    const bool late = option("dimm-late").has_value();
    if (dimm_mebibytes > 0 && !late)
        plug_dimm(dimm_mebibytes);
    load_crash_kernel();
    if (dimm_mebibytes > 0 && late)
        plug_dimm(dimm_mebibytes);
}

void run_first_kernel() {
    mount_at("tmpfs", "/tmp", "tmpfs", "size=80%");
    load_listed_modules();
    load_crash_kernel_and_plug();
    mount_at(find_disk("guest-scratch"), "/scratch", "ext4");
    if (option("target-in-use"))
        use_target();
    if (option("offline-block")) {
        // Before there is anything that would have to move, which may take for ever.
        leave_traces();
        offline_block();
    }
    if (const std::size_t wanted = mebibytes("balloon"); wanted > 0)
        inflate_balloon(wanted);
    say("loads memory");
    load_memory("/scratch");
    cause_panic();
}

} // namespace guest
