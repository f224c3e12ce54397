// SPDX-License-Identifier: GPL-2.0-or-later
#include "qemu/guest/ways_to_die.h"

#include "base/descriptor.h"
#include "qemu/guest/command_line.h"
#include "qemu/guest/console.h"
#include "qemu/guest/machine.h"

#include <string>

#include <sys/mman.h>
#include <unistd.h>

namespace guest {

namespace {

void set(const std::string& sysctl, const std::string& value) {
    must(lifeboat::write_existing_file("/proc/sys/" + sysctl, value));
}

// Source: Linux Documentation/admin-guide/sysctl/kernel.rst, vm.rst. The times are short only where it is
// waited for them: on a busy host everything lasts.
void panic_for(std::string_view way) {
    set("kernel/panic_on_oops", "1");
    if (way == "hung") {
        set("kernel/hung_task_panic", "1");
        set("kernel/hung_task_timeout_secs", "10");
    }
    if (way == "soft") {
        set("kernel/softlockup_panic", "1");
        set("kernel/watchdog_thresh", "5");
    }
    if (way == "nmi" || way == "busy") {
        set("kernel/unknown_nmi_panic", "1");
        set("kernel/panic_on_unrecovered_nmi", "1");
    }
    if (way == "oom")
        set("vm/panic_on_oom", "1");
}

void eat_all_memory() {
    constexpr std::size_t bite_bytes = std::size_t{4} << 20;
    while (mmap(nullptr, bite_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1,
                0) != MAP_FAILED) {
    }
}

} // namespace

void die(std::string_view way) {
    if (way != "sysrq")
        panic_for(way);
    say("panics now");
    if (way == "sysrq")
        must(lifeboat::write_existing_file("/proc/sysrq-trigger", "c"));
    else if (way == "oom")
        eat_all_memory();
    else if (way != "nmi") // which QEMU sends by itself
        load_module("/die.ko", std::format("way={} seed={}", way, option("seed").value_or("0")));
    for (;;)
        pause();
}

} // namespace guest
