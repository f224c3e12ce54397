// SPDX-License-Identifier: GPL-2.0-or-later
// A rescue boot in a temporary tree: no root can be mounted here, the QEMU cases do that.
#include "init/boot.h"
#include "init/hand_over.h"
#include "tests/error_text.h"
#include "tests/fakes/fake_disks.h"

#include <filesystem>

#include <doctest/doctest.h>
#include <pty.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace lifeboat;

namespace {

constexpr FinalActionTimes short_times{.drain_ms = 100, .sync_ms = 100, .action_ms = 100, .sysrq_ms = 2000};

// A machine without a vmcore, with a terminal, and with a host command that does this.
class RescuedMachine {
public:
    explicit RescuedMachine(const std::string& command_line, const std::string& host_command) {
        fakes::reset();
        system.write("screen", "");
        fakes::give_node("console", system.path("screen"));
        system.write("proc/cmdline", command_line + "\n");
        system.write("etc/lifeboat/plan", "deadline.target = 1\ncoldplug = never\n");
        system.write("bin/lifeboat", "#!/bin/sh\n" + host_command + "\n");
        ::chmod(system.path("bin/lifeboat").c_str(), 0755);
        char name[64];
        REQUIRE(::openpty(&ours_, &theirs_, name, nullptr, nullptr) == 0);
        std::filesystem::create_symlink(name, system.path("dev/ttyT"));
        system.write("sys/class/tty/console/active", "tty0 ttyT\n");
    }
    RescuedMachine(const RescuedMachine&) = delete;
    RescuedMachine& operator=(const RescuedMachine&) = delete;
    ~RescuedMachine() {
        ::close(ours_);
        ::close(theirs_);
    }

    [[nodiscard]] std::string boot_and_show() const {
        boot(system.paths(), {}, short_times);
        return system.read("screen");
    }

    fakes::TemporarySystem system;

private:
    int ours_ = -1;
    int theirs_ = -1;
};

std::string last_call() {
    return fakes::calls().back();
}

std::string reboot_call(int command) {
    return std::format("reboot {:#x}", static_cast<unsigned>(command));
}

} // namespace

TEST_CASE("without root the console is asked, and what it orders is done") {
    const RescuedMachine machine("root=LABEL=absent ro", "exit 11");
    fakes::add_disk(machine.system, "sda", "8:0", fakes::ext2_image('a', "other"));
    const std::string shown = machine.boot_and_show();
    CHECK(shown.contains("lifeboat: started without a vmcore, kernel "));
    CHECK(shown.contains("lifeboat: root: find LABEL=absent: not there after 1."));
    CHECK(shown.contains("lifeboat: root: seen /dev/sda: 1048576 bytes, TYPE=ext2 "));
    CHECK(shown.contains("lifeboat: root: no root can be used, asking on the console\n"));
    CHECK(shown.contains("lifeboat: rescue root=- initrds=unknown repaired=no failed_stage=root "));
    CHECK(last_call() == reboot_call(RB_POWER_OFF));
}

TEST_CASE("the console runs on the last of the consoles, and told to go on root is looked for again") {
    // The first time it says go on, the second time something that is no order.
    const RescuedMachine machine("root=LABEL=absent",
                                 "d=$(dirname $0); tty > $d/tty; echo \"$@\" > $d/words\n"
                                 "if [ -e $d/asked ]; then exit 99; fi; touch $d/asked");
    const std::string shown = machine.boot_and_show();
    CHECK(machine.system.read("bin/tty").starts_with("/dev/pts/"));
    CHECK(machine.system.read("bin/words") == "console --root " + machine.system.path("target") + "\n");
    CHECK(shown.find("not there after") != shown.rfind("not there after"));
    CHECK(last_call() == reboot_call(RB_AUTOBOOT));
}

TEST_CASE("a console that cannot be had is no reason to wait") {
    const RescuedMachine machine("root=LABEL=absent", "exit 0");
    std::filesystem::remove(machine.system.path("dev/ttyT"));
    const std::string shown = machine.boot_and_show();
    CHECK(shown.contains("lifeboat: console: open terminal '" + machine.system.path("dev/ttyT") + "': "));
    CHECK(shown.contains("cannot be run, rebooting\n"));
    CHECK(last_call() == reboot_call(RB_AUTOBOOT));
}

TEST_CASE("a crash kernel without its vmcore starts no system") {
    const RescuedMachine machine("root=LABEL=absent elfcorehdr=0x7f000000", "exit 0");
    const std::string shown = machine.boot_and_show();
    CHECK(shown.contains("lifeboat: summary result=failed "));
    CHECK_FALSE(shown.contains("without a vmcore"));
}

TEST_CASE("only the plan opens the console") {
    for (const bool by_plan : {true, false}) {
        CAPTURE(by_plan);
        const RescuedMachine machine(by_plan ? "" : "lifeboat.console=open",
                                     "echo \"$@\" > $(dirname $0)/words; exit 10");
        machine.system.write("etc/lifeboat/plan", by_plan ? "console = open\ndeadline.target = 1\n" : "\n");
        const std::string shown = machine.boot_and_show();
        CHECK(machine.system.read("bin/words").contains("--open") == by_plan);
        CHECK(shown.contains("console is taken from the plan alone") != by_plan);
    }
}

TEST_CASE("the system's init takes over with everything in its place") {
    fakes::reset();
    const fakes::TemporarySystem system;
    const std::string target = system.path("target");
    const std::filesystem::path before = std::filesystem::current_path();
    fakes::fail_call("execute", ENOEXEC);
    const Error error = hand_over(system.paths(), {"/sbin/init", {"single"}});
    std::filesystem::current_path(before);
    CHECK(error.text.starts_with("start '/sbin/init': "));
    std::vector<std::string> expected;
    for (const char* folder : {"dev", "proc", "sys", "run"})
        expected.push_back(std::format("mount {} on {}/{} type -", system.path(folder), target, folder));
    expected.insert(expected.end(), {"mount . on / type -", "change_root .", "execute /sbin/init single"});
    CHECK(fakes::calls() == expected);
    CHECK(system.exists("target")); // nothing is removed but of an initrd
}

TEST_CASE("a root that cannot be entered is left alone") {
    fakes::reset();
    const fakes::TemporarySystem system;
    const std::filesystem::path before = std::filesystem::current_path();
    fakes::fail_call("mount . on /", EINVAL);
    const Error error = hand_over(system.paths(), {"/sbin/init", {}});
    std::filesystem::current_path(before);
    CHECK(error.text == "move '" + system.path("target") + "' to '/': Invalid argument");
    CHECK(last_call() == "mount . on / type -");
}
