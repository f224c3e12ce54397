// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/readiness.h"
#include "tests/builders/run_program.h"
#include "tests/fakes/temporary_system.h"

#include <algorithm>
#include <functional>

#include <doctest/doctest.h>

using namespace lifeboat;
using namespace lifeboat::host;

namespace {

Change changed(const std::string& role) {
    return {role, "/" + role, Change::Kind::changed};
}

// A machine of which nothing is to be said.
MachineView ready() {
    MachineView view{.kernel = {.is_supported = true, .is_loaded = true, .reserved_bytes = 128U << 20}};
    view.wanted_version = "6.1";
    view.loaded = Noted{{.kernel = "6.1"}, {}};
    view.packed = Noted{{.kernel = "6.1", .facts = {{"memory_need_bytes", "67108864"}}}, {}};
    view.tested = Noted{{.kernel = "6.1"}, {}};
    view.targets = {{.folder = "/var/crash", .free_bytes = 1U << 30}};
    return view;
}

std::string sentences(const MachineView& view) {
    constexpr std::array names = {"note: ", "degraded: ", "failed: "};
    std::string text;
    for (const Finding& finding : findings_of(view))
        text += names[static_cast<std::size_t>(finding.severity)] + finding.text + "\n";
    return text;
}

} // namespace

TEST_CASE("what stands in the way of the next capture") {
    CHECK(sentences(ready()) == "");
    const struct {
        std::function<void(MachineView&)> spoil;
        std::string_view said;
    } rows[] = {
        {[](MachineView& view) { view.kernel = {.is_supported = false, .is_loaded = true}; },
         "failed: this kernel was built without CONFIG_CRASH_DUMP: run another\n"},
        {[](MachineView& view) { view.kernel.reserved_bytes = 0; },
         "failed: no memory is reserved for a crash kernel: boot with crashkernel=, `lifeboat estimate` says "
         "how much\n"},
        {[](MachineView& view) { view.kernel.reserved_bytes = 65U << 20; },
         "failed: 65 MiB are reserved and 66 MiB needed: boot with a larger crashkernel=\n"},
        // Where it lies in one section it may be smaller.
        {[](MachineView& view) {
             view.kernel.reserved_bytes = 64U << 20;
             view.kernel.reserved_sections = 1;
         },
         ""},
        {[](MachineView& view) {
             view.kernel.reserved_bytes = 63U << 20;
             view.kernel.reserved_sections = 1;
         },
         "failed: 63 MiB are reserved and 64 MiB needed: boot with a larger crashkernel=\n"},
        {[](MachineView& view) { view.kernel.lent = {.bytes = 256U << 20, .sections = 2}; },
         "note: 256 MiB of the crash kernel's memory are lent to user space until a panic "
         "(crashkernel=SIZE,cma): a panic waits 10 s for devices that may write there before the crash "
         "kernel "
         "starts\n"},
        {[](MachineView& view) {
             view.kernel.lent = {.bytes = 256U << 20, .sections = 2};
             view.level = 23;
         },
         "degraded: 256 MiB of the crash kernel's memory are lent to user space until a panic "
         "(crashkernel=SIZE,cma): what lies there is in no dump, though level 23 is to have user memory; "
         "boot "
         "with a fixed crashkernel=SIZE, or take a level that leaves user memory out (8)\n"},
        {[](MachineView& view) { view.kernel.is_loaded = false; },
         "failed: no crash kernel is loaded: `lifeboat load`\n"},
        {[](MachineView& view) { view.loaded.reset(); },
         "degraded: the crash kernel that is loaded is not lifeboat's: `lifeboat load` takes its place\n"},
        {[](MachineView& view) { view.wanted_version = "6.2"; },
         "degraded: kernel 6.1 is loaded as the way back, 6.2 should be: `lifeboat load` says why it is "
         "not\n"},
        {[](MachineView& view) { view.loaded->manifest.kernel = "-"; }, ""}, // files that were given
        {[](MachineView& view) { view.loaded->changes = {changed("initrd")}; },
         "degraded: since it was loaded, initrd '/initrd' has changed: `lifeboat reload`\n"},
        {[](MachineView& view) { view.loaded->manifest.facts = {{"left_out", "a=1 b=2"}}; },
         "degraded: the crash kernel's command line had no room for a=1 b=2, so that it takes more memory "
         "than was "
         "counted: `command_line = -WORD` in lifeboat.conf takes others out, then `lifeboat reload`\n"},
        {[](MachineView& view) { view.packed.reset(); },
         "degraded: how the initrd of kernel 6.1 was packed is not known: `lifeboat pack --kernel 6.1`\n"},
        {[](MachineView& view) { view.packed->changes = {changed("config"), changed("init")}; },
         "degraded: since the initrd was packed, config '/config' has changed, init '/init' has changed: "
         "`lifeboat pack --kernel 6.1`, then `lifeboat reload`\n"},
        {[](MachineView& view) { view.plan_doubt = "the plan cannot be made any more: x"; },
         "degraded: the plan cannot be made any more: x: `lifeboat pack --kernel 6.1`, then `lifeboat "
         "reload`\n"},
        {[](MachineView& view) {
             view.plan_doubt = "the plan cannot be made any more: x";
             view.targets[0].trouble = "it is read-only: mount it";
         },
         "failed: it is read-only: mount it\n"},
        {[](MachineView& view) {
             view.targets[0].trouble = "it is read-only: mount it";
             view.targets.push_back({.folder = "/srv", .free_bytes = 1U << 30});
         },
         "degraded: it is read-only: mount it\n"},
        {[](MachineView& view) { view.targets.clear(); },
         "failed: the packed plan has no target: `lifeboat pack`\n"},
        {[](MachineView& view) { view.targets = {{.name = "UUID=1 /crash"}}; },
         "degraded: the target 'UUID=1 /crash' is not mounted, so that it is not known whether it has room: "
         "mount it\n"},
        {[](MachineView& view) { view.filter_doubt = "a dump would be of level 1 instead of 31"; },
         "degraded: a dump would be of level 1 instead of 31: a newer lifeboat, or level 1 and the room for "
         "it\n"},
        {[](MachineView& view) { view.sleeping_cpus = {3}; },
         "degraded: CPU 3 was plugged in and is not online, and a panic may reset the machine through it: "
         "`echo 1 > "
         "/sys/devices/system/cpu/cpu3/online`\n"},
        {[](MachineView& view) { view.unattended_watchdogs = {"the watchdog x runs here"}; },
         "degraded: the watchdog x runs here: stop it, or install the driver\n"},
        {[](MachineView& view) { view.missing_targets = {"'UUID=1' is not mounted"}; },
         "degraded: 'UUID=1' is not mounted: it is not known whether it can be written to\n"},
        {[](MachineView& view) { view.targets[0].error = "ask for free space of '/x': Input/output error"; },
         "degraded: ask for free space of '/x': Input/output error: it is not known whether it can be "
         "written "
         "to\n"},
        {[](MachineView& view) {
             view.newest_dump = KeptDump{.folder = "/var/crash", .dump = {.name = "x", .bytes = 2U << 30}};
         },
         "degraded: '/var/crash' has 1024 MiB free, the last dump took 2048 MiB: `lifeboat prune`\n"},
        {[](MachineView& view) { view.tested.reset(); },
         "note: a crash was never tested here: `lifeboat test`\n"},
        {[](MachineView& view) { view.tested->changes = {changed("kernel")}; },
         "note: since the last crash test, kernel '/kernel' has changed: `lifeboat test`\n"},
        {[](MachineView& view) { view.loaded->manifest.files = {{.role = "initrd", .digest = "another"}}; },
         "note: what is loaded is not what the last crash test was of: `lifeboat test`\n"},
        {[](MachineView& view) { view.loaded->manifest.facts = {{"command_line", "another"}}; },
         "note: since the last crash test, the crash kernel's command line has changed: `lifeboat test`\n"},
    };
    for (const auto& row : rows) {
        MachineView view = ready();
        row.spoil(view);
        CHECK(sentences(view) == row.said);
    }
}

TEST_CASE("the gravest finding decides") {
    MachineView view = ready();
    CHECK(gravest(findings_of(view)) == Finding::Severity::note);
    view.tested.reset();
    CHECK(gravest(findings_of(view)) == Finding::Severity::note);
    view.packed.reset();
    CHECK(gravest(findings_of(view)) == Finding::Severity::degraded);
    view.kernel.is_loaded = false;
    CHECK(gravest(findings_of(view)) == Finding::Severity::failed);
}

// Who loads first, packs afterwards and loads again.
TEST_CASE("what another follows from is said before it") {
    MachineView view = ready();
    view.kernel.is_loaded = false;
    view.kernel.reserved_bytes = 0;
    view.packed->changes = {changed("config")};
    view.targets[0].trouble = "it is read-only: mount it";
    CHECK(
        sentences(view) ==
        "failed: no memory is reserved for a crash kernel: boot with crashkernel=, `lifeboat estimate` says "
        "how "
        "much\n"
        "failed: it is read-only: mount it\n"
        "degraded: since the initrd was packed, config '/config' has changed: `lifeboat pack --kernel 6.1`\n"
        "failed: no crash kernel is loaded: `lifeboat load`\n");
}

TEST_CASE("a machine is looked at") {
    const fakes::TemporarySystem system;
    system.write("proc/sys/kernel/osrelease", "6.1\n");
    system.write("sys/kernel/kexec_crash_loaded", "1\n");
    system.write("sys/kernel/kexec_crash_size", "67108864\n");
    system.write("boot/vmlinuz-6.1", "kernel");
    system.write("var/lib/lifeboat/initrd.img-6.1", "initrd");
    Manifest manifest{.kernel = "6.1", .facts = {{"memory_need_bytes", "1"}}};
    REQUIRE(manifest.add_file("config", system.path("etc/lifeboat.conf")));
    REQUIRE(manifest.add_file("kernel", system.path("boot/vmlinuz-6.1")));
    REQUIRE(write_manifest(system.path("var/lib/lifeboat/manifest-6.1"), manifest));
    REQUIRE(write_manifest(system.path("var/lib/lifeboat/tested"), manifest));
    std::filesystem::create_directories(system.path("run/lifeboat"));
    REQUIRE(write_manifest(system.path("run/lifeboat/loaded"), manifest));
    std::filesystem::create_directories(system.path("crash"));
    const auto config = Config::parse("target = " + system.path("crash/not/yet"));
    REQUIRE(config);

    auto view = view_machine(system.paths(), *config);
    REQUIRE(view);
    CHECK(sentences(*view) == "");
    CHECK(view->needed_bytes() == (2U << 20) + 1); // wherever the reservation will lie
    CHECK(view->packed_s > 0);
    REQUIRE(view->targets.size() == 1);
    CHECK(view->targets[0].free_bytes > 0);

    system.write("boot/vmlinuz-6.1", "another kernel");
    view = view_machine(system.paths(), *config);
    REQUIRE(view);
    CHECK(sentences(*view).contains("since the initrd was packed, kernel '" +
                                    system.path("boot/vmlinuz-6.1") + "' has changed"));
    system.write("var/lib/lifeboat/manifest-6.1", "damaged");
    CHECK_FALSE(view_machine(system.paths(), *config));
}
