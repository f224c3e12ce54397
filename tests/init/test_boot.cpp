// SPDX-License-Identifier: GPL-2.0-or-later
// The whole boot in a temporary tree, without a target: mounts cannot be had here, the QEMU cases have them.
#include "init/boot.h"
#include "tests/builders/core_builder.h"
#include "tests/fakes/fake_disks.h"

#include <doctest/doctest.h>
#include <sys/reboot.h>

using namespace lifeboat;

namespace {

constexpr FinalActionTimes short_times{.drain_ms = 100, .sync_ms = 100, .action_ms = 100, .sysrq_ms = 2000};

// What was shown; the console is a file here.
std::string boot_and_show(const fakes::TemporarySystem& system) {
    system.write("screen", "");
    fakes::give_node("console", system.path("screen"));
    boot(system.paths(), {}, short_times);
    return system.read("screen");
}

std::size_t count_of(std::string_view text, std::string_view part) {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = text.find(part, at)) != std::string_view::npos; at += part.size())
        ++count;
    return count;
}

} // namespace

TEST_CASE("a machine on which nothing is as it should be comes to its final action") {
    fakes::reset();
    for (const char* call : {"mount ", "open_uevents", "load_module"})
        fakes::fail_call(call, EPERM);
    const fakes::TemporarySystem system;
    const std::string shown = boot_and_show(system);
    CHECK(shown.contains("lifeboat: started, kernel "));
    CHECK(shown.contains("lifeboat: mount proc on '" + system.path("proc") + "': "));
    CHECK(shown.contains("etc/lifeboat/plan': No such file or directory, using defaults\n"));
    CHECK(shown.contains("lifeboat: target: the plan names no target, nothing can be saved\n"));
    CHECK(shown.contains("lifeboat: dmesg: the kernel log is saved nowhere, showing its end here instead\n"));
    CHECK(count_of(shown, "lifeboat: summary ") == 1);
    CHECK(shown.contains("lifeboat: summary result=failed level=31 folder=- "));
    CHECK(shown.contains(" target=- attempts=0 failed_stage=target error=system:dmesg:\\x20open\\x20'"));
    const auto calls = fakes::calls();
    REQUIRE(calls.size() >= 2);
    CHECK(calls[calls.size() - 2] == "sync_all");
    CHECK(calls.back() == std::format("reboot {:#x}", static_cast<unsigned>(RB_AUTOBOOT)));
}

TEST_CASE("without a target the end of the log is shown") {
    fakes::reset();
    const fakes::TemporarySystem system;
    tests::BuiltCore::from(
        "kernel 6.12\nram 0x100000..0x8000000\nlog \"Kernel panic - not \\x1b syncing\" at 12.5\n")
        .write(system.path("proc/vmcore"));
    system.write("etc/lifeboat/plan",
                 "target = LABEL=absent /crash\ndeadline.target = 1\naction = poweroff\n");
    system.write("etc/sysctl.conf", "kernel.panic = 0\n");
    system.write("proc/sys/kernel/panic", "9\n");
    fakes::add_disk(system, "sda", "8:0", fakes::ext2_image('a', "other"));
    const std::string shown = boot_and_show(system);
    CHECK(shown.contains("lifeboat: plan: 1 targets, 0 modules, level 31\n"));
    CHECK(shown.contains("lifeboat: sysctl: 1 set, 0 failed\n"));
    CHECK(shown.contains("lifeboat: target: find LABEL=absent: not there after 1."));
    CHECK(shown.contains("lifeboat: target: seen /dev/sda: 1048576 bytes, TYPE=ext2 UUID=61616161-"));
    CHECK(shown.contains("lifeboat: | [   12.500000] Kernel panic - not \\x"));
    CHECK(count_of(shown, "lifeboat: summary ") == 1);
    CHECK(shown.contains(" seconds_target="));
    CHECK(system.read("proc/sys/kernel/panic").starts_with("10"));
    CHECK(fakes::calls().back() == std::format("reboot {:#x}", static_cast<unsigned>(RB_POWER_OFF)));
}

TEST_CASE("the overall deadline ends every stage, and the final action is reached") {
    fakes::reset();
    fakes::hang_call("load_module");
    const fakes::TemporarySystem system;
    system.write("a.ko", "");
    system.write("etc/lifeboat/plan",
                 "target = LABEL=absent /crash\ncoldplug = never\ndeadline.total = 1\nmodule = " +
                     system.path("a.ko") + "\n");
    const std::string shown = boot_and_show(system);
    CHECK(shown.contains("lifeboat: modules: its deadline passed, going on with what is loaded\n"));
    CHECK(shown.contains(" failed_stage=modules error=timed_out:"));
    CHECK(fakes::calls().back() == std::format("reboot {:#x}", static_cast<unsigned>(RB_AUTOBOOT)));
}
