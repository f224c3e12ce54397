// SPDX-License-Identifier: GPL-2.0-or-later
// Files in place of the devices: what is written to them is what a driver would be given.
#include "init/watchdog.h"
#include "tests/fakes/recording_report.h"
#include "tests/fakes/temporary_system.h"

#include <doctest/doctest.h>

using namespace lifeboat;

namespace {

struct Machine : fakes::TemporarySystem {
    void start(unsigned timeout_s = 60) { watchdogs.start_all(paths(), timeout_s, report); }
    [[nodiscard]] std::string started(const std::string& name) const {
        return "watchdog: " + path("dev/" + name) +
               " started, it restarts the machine some time after PID 1 has stood still";
    }

    Watchdogs watchdogs;
    fakes::RecordingReport report;
};

} // namespace

TEST_CASE("a watchdog is fed at most once a second") {
    Machine machine;
    machine.write("dev/watchdog0", "");
    machine.start();
    CHECK(machine.report.lines == std::vector{machine.started("watchdog0")});
    for (int i = 0; i < 5; ++i)
        machine.watchdogs.attend(machine.report);
    CHECK(machine.read("dev/watchdog0") == std::string(1, '\0'));
    CHECK(machine.report.lines.size() == 1);
}

TEST_CASE("those that come later are started, and all are fed") {
    Machine machine;
    machine.start();
    CHECK_FALSE(machine.watchdogs.is_any());
    machine.write("dev/watchdog0", "");
    machine.write("dev/watchdog1", "");
    machine.write("dev/watchdog", ""); // the first one's other name
    machine.watchdogs.start_new(machine.report);
    machine.watchdogs.attend(machine.report);
    CHECK(machine.report.lines == std::vector{machine.started("watchdog0"), machine.started("watchdog1")});
    CHECK(machine.read("dev/watchdog0").size() == 1);
    CHECK(machine.read("dev/watchdog1").size() == 1);
    CHECK(machine.read("dev/watchdog").empty());
}

TEST_CASE("a driver that is older than the numbers has one name") {
    Machine machine;
    machine.write("dev/watchdog", "");
    machine.start();
    machine.watchdogs.start_new(machine.report);
    CHECK(machine.report.lines == std::vector{machine.started("watchdog")});
}

TEST_CASE("one that cannot be opened is passed over, once") {
    Machine machine;
    std::filesystem::create_directories(machine.path("dev/watchdog0"));
    machine.write("dev/watchdog1", "");
    machine.start();
    machine.watchdogs.start_new(machine.report);
    REQUIRE(machine.report.lines.size() == 2);
    CHECK(machine.report.lines[0] ==
          "watchdog: open '" + machine.path("dev/watchdog0") + "': Is a directory, going on without it");
    CHECK(machine.report.lines[1] == machine.started("watchdog1"));
}

TEST_CASE("without a time none is started") {
    Machine machine;
    machine.write("dev/watchdog0", "");
    machine.start(0);
    machine.watchdogs.attend(machine.report);
    CHECK_FALSE(machine.watchdogs.is_any());
    CHECK(machine.read("dev/watchdog0").empty());
}

TEST_CASE("for a machine that is to stand still they are closed as their drivers want it, and stay so") {
    Machine machine;
    machine.write("dev/watchdog0", "");
    machine.start();
    machine.watchdogs.put_to_sleep();
    CHECK(machine.read("dev/watchdog0") == "V");
    machine.watchdogs.attend(machine.report);
    CHECK(machine.read("dev/watchdog0") == "V");
}
