// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/builders/core_builder.h"
#include "tests/builders/run_program.h"
#include "tests/builders/temporary_folder.h"

#include <format>

#include <doctest/doctest.h>

using namespace lifeboat::tests;

namespace {

ProgramResult dmesg(const std::string& path) {
    return run_program({LIFEBOAT_PROGRAM, "dmesg", path});
}

} // namespace

TEST_CASE("dmesg prints the log") {
    const TemporaryFolder folder;
    for (const std::string_view kernel : {"4.19", "6.12"}) {
        BuiltCore::from(std::format("ram 0x1000000..0x1900000\nkernel {}\nlog \"Linux version\" at 0\n"
                                    "log \"Kernel panic\" at 12.25",
                                    kernel))
            .write(folder.path("core"));
        const ProgramResult result = dmesg(folder.path("core"));
        CHECK(result.exit_code == 0);
        CHECK(result.out == "[    0.000000] Linux version\n[   12.250000] Kernel panic\n");
        CHECK(result.err == "");
    }
}

TEST_CASE("dmesg prints the log of dumps too, whichever format") {
    const TemporaryFolder folder;
    BuiltCore::from("ram 0x1000000..0x1900000\nlog \"Kernel panic\" at 12.25").write(folder.path("core"));
    for (const std::string_view option : {"--compress=zlib", "--compress=zstd", "--format=elf"}) {
        REQUIRE(run_program({LIFEBOAT_PROGRAM, "filter", std::string(option), folder.path("core"),
                             folder.path("dump")})
                    .exit_code == 0);
        const ProgramResult result = dmesg(folder.path("dump"));
        CHECK(result.exit_code == 0);
        CHECK(result.out == "[   12.250000] Kernel panic\n");
        CHECK(result.err == "");
    }
}

TEST_CASE("dmesg tells how many records were damaged") {
    const TemporaryFolder folder;
    BuiltCore core =
        BuiltCore::from("ram 0x1000000..0x1900000\nlog \"one\" at 1\nlog \"two\" at 2\nlog \"three\" at 3");
    const std::uint64_t index = ((std::uint64_t{1} << 62) - 256 + 1) % 256;
    core.memory().put(core.place("prb_descriptors").physical + index * 24 + 16, std::uint64_t{1} << 40);
    core.write(folder.path("core"));
    const ProgramResult result = dmesg(folder.path("core"));
    CHECK(result.exit_code == 0);
    CHECK(result.out == "[    1.000000] one\n[    3.000000] three\n");
    CHECK(result.err == "lifeboat dmesg: 1 damaged records were passed over\n");
}

TEST_CASE("dmesg of what has no log") {
    const TemporaryFolder folder;
    const std::string path = folder.path("core");
    BuiltCore::from("ram 0x1000000..0x1900000\nelf no_vmcoreinfo").write(path);
    ProgramResult result = dmesg(path);
    CHECK(result.exit_code == 1);
    CHECK(result.out == "");
    CHECK(result.err == std::format("lifeboat dmesg: find the kernel log: '{}' has no VMCOREINFO\n", path));
    result = dmesg(folder.path("missing"));
    CHECK(result.exit_code == 1);
    CHECK(result.err ==
          std::format("lifeboat dmesg: open '{}': No such file or directory\n", folder.path("missing")));
}
