// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/machine/installed_kernel.h"
#include "host/machine/manifest.h"
#include "host/machine/watchdog.h"
#include "tests/builders/fake_machine.h"
#include "tests/builders/module_builder.h"
#include "tests/builders/run_program.h"
#include "tests/error_text.h"

#include <filesystem>

#include <doctest/doctest.h>

using namespace lifeboat;
using namespace lifeboat::host;
using Kind = MachineWatchdog::Kind;

namespace {

constexpr std::string_view watchdog_modules = R"(
module  kernel/drivers/watchdog/watchdog.ko  exports=watchdog_register
module  kernel/drivers/watchdog/softdog.ko   needs=watchdog_register
module  kernel/drivers/watchdog/i6300esb.ko  needs=watchdog_register alias=pci:v00008086d000025AB*
module  kernel/drivers/watchdog/iTCO_wdt.ko  needs=watchdog_register alias=platform:iTCO_wdt
module  kernel/drivers/mfd/lpc_ich.ko        alias=pci:v00008086d00002918*
)";
constexpr const char* esb = "sys/devices/pci0000:00/0000:00:04.0";
constexpr const char* tco = "sys/devices/pci0000:00/0000:00:1f.0/iTCO_wdt.1.auto";

std::string usual_with(std::string_view more) {
    return std::string(tests::usual_machine) + std::string(more);
}

// The usual machine, its kernel with watchdog drivers or without.
struct Machine : tests::FakeMachine {
    explicit Machine(std::string_view devices = "", std::string_view modules = watchdog_modules)
        : FakeMachine(usual_with(devices)) {
        tests::install_kernel(root(), "6.1-test", std::string(tests::usual_modules) + std::string(modules));
        write("usr/lib/lifeboat/init.img", "\177ELF, an init");
        std::filesystem::create_directories(path("var/lib"));
    }

    // As the kernel shows what a driver has registered.
    void add_registered(const std::string& device, const std::string& name, std::string_view identity,
                        std::string_view state = "inactive") const {
        const std::string folder = device + "/watchdog/" + name;
        write(folder + "/identity", std::string(identity) + "\n");
        write(folder + "/state", std::string(state) + "\n");
        write(folder + "/timeout", "30\n");
        link("sys/class/watchdog/" + name, folder);
    }

    [[nodiscard]] Result<MachineWatchdog> find(std::string_view config = "") const {
        const auto kernel = find_installed_kernel(paths(), "6.1-test");
        REQUIRE(kernel);
        const auto modules = KernelModules::open(paths(), *kernel);
        REQUIRE(modules);
        const auto parsed = Config::parse(config);
        REQUIRE(parsed);
        return find_watchdog(paths(), *modules, *parsed);
    }
    [[nodiscard]] tests::ProgramResult pack() const {
        return tests::run_program({LIFEBOAT_PROGRAM, "pack", "--root", root()});
    }
};

constexpr std::string_view with_esb =
    "device pci0000:00/0000:00:04.0  pci  i6300ESB-timer  i6300esb  pci:v00008086d000025ABsv0\n";
constexpr std::string_view with_tco =
    "device pci0000:00/0000:00:1f.0                  pci       lpc_ich   lpc_ich   "
    "pci:v00008086d00002918sv0\n"
    "device pci0000:00/0000:00:1f.0/iTCO_wdt.1.auto  platform  iTCO_wdt  iTCO_wdt  platform:iTCO_wdt\n";

using Names = std::vector<std::string>;

} // namespace

TEST_CASE("a watchdog that is in use, with the drivers of what it hangs on") {
    const Machine machine(with_tco);
    machine.add_registered(tco, "watchdog0", "iTCO_wdt");
    const auto found = machine.find();
    REQUIRE(found);
    CHECK(found->kind == Kind::hardware);
    CHECK(found->text == "iTCO_wdt (iTCO_wdt.1.auto)");
    CHECK(found->modules == Names{"lpc_ich", "iTCO_wdt"});
    CHECK(found->unattended.empty());
}

TEST_CASE("of several one will do, but each that runs has to be fed") {
    const Machine machine(std::string(with_tco) + std::string(with_esb));
    machine.add_registered(tco, "watchdog0", "iTCO_wdt");
    machine.add_registered(esb, "watchdog1", "i6300ESB timer");
    CHECK(machine.find()->text == "iTCO_wdt (iTCO_wdt.1.auto)");
    machine.write(std::string(esb) + "/watchdog/watchdog1/state", "active\n");
    CHECK(machine.find()->text ==
          "i6300ESB timer (0000:00:04.0), which runs here with 30 s: a crash kernel has that long to start");
    CHECK(machine.find()->modules == Names{"i6300esb"});
    machine.write(std::string(tco) + "/watchdog/watchdog0/state", "active\n");
    CHECK(machine.find()->modules == Names{"lpc_ich", "iTCO_wdt", "i6300esb"});
}

TEST_CASE("a device whose driver never came is a watchdog too, one that its driver has refused is none") {
    const Machine machine("device pci0000:00/0000:00:04.0  pci  -  -  pci:v00008086d000025ABsv0\n");
    machine.link("sys/bus/pci/devices/0000:00:04.0", esb);
    const auto found = machine.find();
    REQUIRE(found);
    CHECK(found->kind == Kind::hardware);
    CHECK(found->text ==
          "i6300esb (0000:00:04.0), which is not in use here: nothing tells yet that it works");
    CHECK(found->modules == Names{"i6300esb"});
    std::filesystem::create_directories(machine.path("sys/module/i6300esb"));
    CHECK(machine.find()->kind == Kind::software);
}

TEST_CASE("softdog is the last resort, and in use here it is still no hardware") {
    const Machine machine;
    machine.add_registered("sys/devices/virtual/watchdog", "watchdog0", "Software Watchdog", "active");
    const auto found = machine.find();
    REQUIRE(found);
    CHECK(found->kind == Kind::software);
    CHECK(found->text ==
          "softdog: it restarts a machine whose PID 1 stands still, not one whose CPUs take no interrupts");
    CHECK(found->modules == Names{"softdog"});
    CHECK(found->unattended.empty());
}

TEST_CASE("a kernel without drivers: what that means is said, and more of a watchdog that runs") {
    const Machine machine(with_esb, "");
    machine.add_registered(esb, "watchdog0", "i6300ESB timer");
    // By the same kernel's word the driver is there; but its file is not.
    CHECK(machine.find()->kind == Kind::none);
    CHECK(machine.find()->text ==
          "none that kernel 6.1-test has a driver for: a machine that stands still after a crash "
          "stays so until somebody restarts it");
    CHECK(machine.find()->unattended.empty());
    machine.write(std::string(esb) + "/watchdog/watchdog0/state", "active\n");
    CHECK(
        machine.find()->unattended ==
        Names{"the watchdog i6300ESB timer (0000:00:04.0) runs here and counts on through a crash, and "
              "kernel 6.1-test has no "
              "driver for it: it restarts the machine after at most 30 s, whether the dump is whole or not"});
}

TEST_CASE("what the configuration says of it") {
    const Machine machine(with_esb);
    machine.add_registered(esb, "watchdog0", "i6300ESB timer", "active");
    CHECK(machine.find("watchdog.module = iTCO_wdt\n")->text == "iTCO_wdt, as configured");
    CHECK(machine.find("watchdog.module = softdog\n")->kind == Kind::software);
    CHECK(tests::error_text(machine.find("watchdog.module = hpwdt\n")) ==
          "kernel 6.1-test has no module 'hpwdt', which the configuration names as the watchdog's: correct "
          "or remove its line");
    const auto none = machine.find("watchdog.timeout = 0\n");
    CHECK(none->kind == Kind::none);
    CHECK(none->modules.empty());
    CHECK(
        none->text ==
        "none, as configured: a machine that stands still after a crash stays so until somebody restarts it");
    CHECK(
        none->unattended ==
        Names{
            "the watchdog i6300ESB timer (0000:00:04.0) runs here and counts on through a crash, and "
            "watchdog.timeout = 0 "
            "leaves it alone: it restarts the machine after at most 30 s, whether the dump is whole or not"});
}

TEST_CASE("its drivers come first in the plan, and the manifest has its name") {
    const Machine machine(with_esb);
    machine.add_registered(esb, "watchdog0", "i6300ESB timer");
    const auto result = machine.pack();
    CHECK(result.err == "");
    REQUIRE(result.exit_code == 0);
    CHECK(result.out.contains("\nwatchdog  i6300ESB timer (0000:00:04.0)\n"));
    const auto plan = read_file(machine.path("var/lib/lifeboat/plan-6.1-test"));
    REQUIRE(plan);
    const Plan parsed = Plan::parse(*plan);
    REQUIRE(parsed.modules.size() == 10);
    CHECK(parsed.modules[0].path == "/lib/modules/6.1-test/kernel/drivers/watchdog/watchdog.ko");
    CHECK(parsed.modules[1].path == "/lib/modules/6.1-test/kernel/drivers/watchdog/i6300esb.ko");
    CHECK(parsed.watchdog_timeout_s == 60);
    const auto manifest = read_manifest(machine.path("var/lib/lifeboat/manifest-6.1-test"));
    REQUIRE(manifest);
    CHECK(manifest->fact(watchdog_fact) == "i6300ESB timer (0000:00:04.0)");
}

TEST_CASE("packing goes on where a watchdog that runs is left alone, and says so") {
    const Machine machine(with_esb, "");
    machine.add_registered(esb, "watchdog0", "i6300ESB timer", "active");
    const auto result = machine.pack();
    CHECK(result.exit_code == 0);
    CHECK(result.err.starts_with("lifeboat pack: the watchdog i6300ESB timer (0000:00:04.0) runs here "));
}
