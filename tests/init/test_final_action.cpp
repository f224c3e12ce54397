// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/clock.h"
#include "init/final_action.h"
#include "tests/fakes/fake_system.h"
#include "tests/fakes/temporary_system.h"

#include <cerrno>
#include <format>

#include <doctest/doctest.h>
#include <sys/reboot.h>

using namespace lifeboat;

namespace {

constexpr FinalActionTimes short_times{.drain_ms = 100, .sync_ms = 100, .action_ms = 100, .sysrq_ms = 2000};

std::string reboot_call(unsigned command) {
    return std::format("reboot {:#x}", command);
}

} // namespace

TEST_CASE("sync, then the plan's action, then sysrq") {
    const struct {
        Action action;
        unsigned command;
        std::string sysrq;
    } rows[] = {{Action::reboot, RB_AUTOBOOT, "b"},
                {Action::power_off, RB_POWER_OFF, "o"},
                {Action::halt, RB_HALT_SYSTEM, "b"}};
    for (const auto& row : rows) {
        fakes::reset();
        const fakes::TemporarySystem system;
        system.write("proc/sysrq-trigger", "");
        carry_out_final_action(row.action, system.paths(), -1, short_times);
        CHECK(fakes::calls() == std::vector<std::string>{"sync_all", reboot_call(row.command)});
        CHECK(system.read("proc/sysrq-trigger") == row.sysrq);
    }
}

TEST_CASE("whatever hangs is left behind after its time") {
    fakes::reset();
    fakes::hang_call("sync_all");
    fakes::hang_call("reboot");
    const fakes::TemporarySystem system;
    system.write("proc/sysrq-trigger", "");
    const std::int64_t started_ms = monotonic_ms();
    carry_out_final_action(Action::reboot, system.paths(), -1, short_times);
    CHECK(monotonic_ms() - started_ms >= 200);
    CHECK(monotonic_ms() - started_ms < 2000);
    CHECK(fakes::calls() == std::vector<std::string>{"sync_all", reboot_call(RB_AUTOBOOT)});
    CHECK(system.read("proc/sysrq-trigger") == "b");
}

TEST_CASE("without /proc too it comes to its end") {
    fakes::reset();
    fakes::fail_call("reboot", EPERM);
    carry_out_final_action(Action::reboot, SystemPaths{.proc = "/nowhere"}, -1, short_times);
    CHECK(fakes::calls().size() == 2);
}

TEST_CASE("the panic timeout is set where there is none") {
    const struct {
        std::string before;
        std::string after;
    } rows[] = {{"0\n", "10"}, {"5\n", "5\n"}, {"-1\n", "-1\n"}, {"30\n", "30\n"}};
    for (const auto& row : rows) {
        const fakes::TemporarySystem system;
        system.write("proc/sys/kernel/panic", row.before);
        ensure_panic_timeout(system.paths());
        CHECK(system.read("proc/sys/kernel/panic") == row.after);
    }
    ensure_panic_timeout(SystemPaths{.proc = "/nowhere"});
}
