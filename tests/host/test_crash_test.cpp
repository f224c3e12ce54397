// SPDX-License-Identifier: GPL-2.0-or-later
// report, and what it makes of a crash test: the crash itself is tried in QEMU.
#include "host/crash_test.h"
#include "tests/builders/core_builder.h"
#include "tests/builders/run_program.h"
#include "tests/builders/temporary_folder.h"

#include <filesystem>
#include <format>
#include <fstream>

#include <doctest/doctest.h>

using namespace lifeboat::host;
using namespace lifeboat::tests;

namespace {

// 2026-02-01, a little before the dumps that the tests make.
constexpr std::int64_t crash_time_s = 1'769'904'000;

struct Machine {
    TemporaryFolder folder;
    std::string crash = folder.path("crash");

    Machine() {
        std::filesystem::create_directory(crash);
        std::ofstream(folder.path("lifeboat.conf")) << "target = " << crash << "\n";
        std::ofstream(folder.path("vmlinuz-1")) << "kernel";
        std::ofstream(folder.path("initrd.img-1")) << "initrd";
    }

    // As `lifeboat load` notes it.
    [[nodiscard]] Manifest load_record() const {
        Manifest record{.kernel = "1", .facts = {{"command_line", "panic=5"}}};
        REQUIRE(record.add_file("image", folder.path("vmlinuz-1")));
        REQUIRE(record.add_file("initrd", folder.path("initrd.img-1")));
        return record;
    }

    void add_dump(const std::string& name) const {
        BuiltCore::from("ram 0x1000000..0x1900000\nkernel 6.12").write(folder.path("core"));
        std::filesystem::create_directory(crash + "/" + name);
        REQUIRE(run_program({LIFEBOAT_PROGRAM, "filter", folder.path("core"), crash + "/" + name + "/vmcore"})
                    .exit_code == 0);
    }

    // As if the machine had been down since.
    void note_test_of_another_boot() const {
        REQUIRE(note_pending_test(folder.path(), load_record(), crash_time_s));
        auto manifest = read_manifest(folder.path("test-pending"));
        REQUIRE(manifest);
        for (ManifestFact& fact : manifest->facts)
            if (fact.name == "boot")
                fact.value = "another";
        REQUIRE(write_manifest(folder.path("test-pending"), *manifest));
    }

    [[nodiscard]] ProgramResult report() const {
        return run_program({LIFEBOAT_PROGRAM, "report", "--state=" + folder.path(),
                            "--config=" + folder.path("lifeboat.conf")});
    }
    [[nodiscard]] bool has(const std::string& name) const {
        return std::filesystem::exists(folder.path(name));
    }
};

} // namespace

TEST_CASE("report tells of each dump once") {
    const Machine machine;
    CHECK(machine.report().out == "");
    machine.add_dump("20260201T000000Z-web");
    const ProgramResult first = machine.report();
    CHECK(first.exit_code == 0);
    CHECK(first.out.starts_with(std::format("captured {}/20260201T000000Z-web  complete", machine.crash)));
    CHECK(machine.report().out == "");
    machine.add_dump("20260202T000000Z-web");
    CHECK(machine.report().out.starts_with(std::format("captured {}/20260202T000000Z-web", machine.crash)));
}

TEST_CASE("a test is pending until the machine has been down") {
    const Machine machine;
    REQUIRE(note_pending_test(machine.folder.path(), machine.load_record(), crash_time_s));
    CHECK(machine.report().exit_code == 0);
    CHECK(machine.has("test-pending"));
    CHECK_FALSE(machine.has("tested"));
}

TEST_CASE("a test passes by a whole dump, and is of what was loaded") {
    const Machine machine;
    machine.note_test_of_another_boot();
    machine.add_dump("20260201T000000Z-web");
    const ProgramResult result = machine.report();
    CHECK(result.exit_code == 0);
    CHECK(result.out.contains(
        std::format("the crash test passed: '{}/20260201T000000Z-web' is whole, ", machine.crash)));
    CHECK_FALSE(machine.has("test-pending"));
    auto tested = read_manifest(machine.folder.path("tested"));
    REQUIRE(tested);
    CHECK(tested->fact("dump") == machine.crash + "/20260201T000000Z-web");
    CHECK(tested->kernel == "1");
    CHECK(tested->fact("command_line") == "panic=5");
    CHECK(changed_files(*tested).empty());
    std::ofstream(machine.folder.path("initrd.img-1")) << "another initrd";
    CHECK(changed_files(*tested).size() == 1);
}

TEST_CASE("a test fails without a dump, and with one that is not whole") {
    const Machine machine;
    machine.add_dump("20260131T000000Z-web"); // before the test
    machine.note_test_of_another_boot();
    const ProgramResult none = machine.report();
    CHECK(none.exit_code == 1);
    CHECK(none.err ==
          "lifeboat report: the crash test failed: no dump came of it: the console's output of the crash "
          "kernel would tell why\n");
    CHECK_FALSE(machine.has("test-pending"));
    CHECK_FALSE(machine.has("tested"));

    machine.add_dump("20260201T000000Z-web");
    std::filesystem::resize_file(machine.crash + "/20260201T000000Z-web/vmcore", 40'000);
    machine.note_test_of_another_boot();
    const ProgramResult cut = machine.report();
    CHECK(cut.exit_code == 1);
    CHECK(cut.err.contains("/20260201T000000Z-web' is not whole: "));

    std::filesystem::rename(machine.crash + "/20260201T000000Z-web/vmcore",
                            machine.crash + "/20260201T000000Z-web/vmcore.incomplete");
    machine.note_test_of_another_boot();
    CHECK(machine.report().err.contains("' is incomplete: its lifeboat.log says why\n"));
    CHECK_FALSE(machine.has("tested"));
}

TEST_CASE("a machine is not crashed where nothing would be captured, nor without being asked to") {
    const ProgramResult result = run_program(
        {"/bin/sh", "-c", std::format("'{}' test --config=/dev/null </dev/null", LIFEBOAT_PROGRAM)});
    CHECK(result.exit_code == 1);
    // Whichever holds on this machine.
    const bool refuses =
        result.err.contains("no crash kernel is loaded: 'lifeboat load' comes first, nothing was done") ||
        result.err.contains("there is no terminal to ask at");
    CHECK(refuses);
}
