// SPDX-License-Identifier: GPL-2.0-or-later
// The command on a disk with sectors that cannot be read: one error with the place, where a mapping would end
// the program by SIGBUS.
#include "base/descriptor.h"
#include "tests/builders/core_builder.h"
#include "tests/builders/newc_builder.h"
#include "tests/builders/run_program.h"
#include "tests/builders/sick_disk.h"

#include <format>

#include <doctest/doctest.h>

using namespace lifeboat;
using namespace lifeboat::tests;

namespace {

constexpr std::uint64_t spoilt_from = 0x400000;

ProgramResult run(const std::string& subcommand, const std::vector<std::string>& operands) {
    std::vector<std::string> words{LIFEBOAT_PROGRAM, subcommand};
    words.insert(words.end(), operands.begin(), operands.end());
    return run_program(words);
}

std::string core_text() {
    TemporaryFolder folder;
    BuiltCore::from("ram 0x100000..0x1c00000\nfill 0x200..0x1000 random").write(folder.path("core"));
    return read_file(folder.path("core"), std::size_t{64} << 20).value();
}

std::string dump_text() {
    TemporaryFolder folder;
    BuiltCore::from("ram 0x100000..0x1c00000\nfill 0x200..0x1000 random").write(folder.path("core"));
    REQUIRE(run("filter", {folder.path("core"), folder.path("dump")}).exit_code == 0);
    return read_file(folder.path("dump"), std::size_t{64} << 20).value();
}

} // namespace

TEST_CASE("an initrd with a sector that cannot be read is broken, and says where") {
    SickDisk disk;
    if (!disk.is_there())
        return;
    disk.store("initrd", newc({{"first", 0100644, "1"}, {"large", 0100644, std::string(8 << 20, 'l')}}));
    disk.spoil("initrd", spoilt_from);
    const ProgramResult listed = run("ls", {disk.path("initrd")});
    CHECK(listed.exit_code == 1);
    CHECK(listed.out == "first\nlarge\n");
    CHECK(listed.err.ends_with(std::format(" unpacked: read '{}' at {:#x}: Input/output error\n",
                                           disk.path("initrd"), spoilt_from)));
}

TEST_CASE("verify of a dump with a sector that cannot be read") {
    SickDisk disk;
    if (!disk.is_there())
        return;
    disk.store("dump", dump_text());
    disk.spoil("dump", spoilt_from);
    const ProgramResult verified = run("verify", {disk.path("dump")});
    CHECK(verified.exit_code == 1);
    CHECK(verified.out == "");
    CHECK(verified.err ==
          std::format("lifeboat verify: read 4096 bytes of '{}' at {:#x}: Input/output error\n",
                      disk.path("dump"), spoilt_from));
}

TEST_CASE("info of a dump whose page descriptors cannot be read") {
    SickDisk disk;
    if (!disk.is_there())
        return;
    disk.store("dump", dump_text());
    disk.spoil("dump", 0x4000);
    const ProgramResult told = run("info", {disk.path("dump")});
    CHECK(told.exit_code == 1);
    CHECK(
        told.err.ends_with(std::format("bytes of '{}' at 0x4000: Input/output error\n", disk.path("dump"))));
}

// What cannot be read of a core is counted and left out, as after a crash.
TEST_CASE("filter of a core with sectors that cannot be read") {
    SickDisk disk;
    if (!disk.is_there())
        return;
    disk.store("core", core_text());
    disk.spoil("core", spoilt_from * 2);
    const TemporaryFolder folder;
    const ProgramResult filtered = run("filter", {"--level", "0", disk.path("core"), folder.path("dump")});
    CAPTURE(filtered.err);
    CHECK(filtered.exit_code == 0);
    CHECK(filtered.out.contains(" unreadable="));
    CHECK_FALSE(filtered.out.contains(" unreadable=0 "));
}
