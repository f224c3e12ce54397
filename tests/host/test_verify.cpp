// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/builders/core_builder.h"
#include "tests/builders/kdump_reader.h"
#include "tests/builders/run_program.h"
#include "tests/builders/temporary_folder.h"

#include <filesystem>
#include <format>

#include <doctest/doctest.h>

using namespace lifeboat::tests;

namespace {

struct Files {
    Files() {
        BuiltCore::from("ram 0x100000..0x1c00000\nfill 0x200..0x300 random").write(core);
        REQUIRE(run_program({LIFEBOAT_PROGRAM, "filter", core, dump}).exit_code == 0);
    }
    TemporaryFolder folder;
    std::string core = folder.path("core");
    std::string dump = folder.path("dump");
};

ProgramResult verify(const std::string& path) {
    return run_program({LIFEBOAT_PROGRAM, "verify", path});
}

} // namespace

TEST_CASE("verify says that a whole file is whole") {
    const Files files;
    const ProgramResult dump = verify(files.dump);
    CHECK(dump.exit_code == 0);
    CHECK(dump.err == "");
    CHECK(dump.out.starts_with("whole: 6912 pages read, "));
    const ProgramResult core = verify(files.core);
    CHECK(core.exit_code == 0);
    CHECK(core.out == "whole: 6912 pages read, it has no digests\n");
}

TEST_CASE("verify says what is wrong with a file that is not") {
    const Files files;
    const KdumpFile file(files.dump);
    std::filesystem::resize_file(files.dump, file.descriptors.back().offset + 10);
    const ProgramResult cut = verify(files.dump);
    CHECK(cut.exit_code == 1);
    CHECK(cut.out.starts_with("damaged: "));
    CHECK(cut.err.starts_with(std::format("lifeboat verify: '{}': ", files.dump)));
    std::filesystem::resize_file(files.core, 0x800000);
    const ProgramResult core = verify(files.core);
    CHECK(core.exit_code == 1);
    CHECK(core.out.starts_with("incomplete: "));
    CHECK(core.err.contains("' is truncated: "));
}

TEST_CASE("verify of what cannot be opened") {
    const Files files;
    const std::string missing = files.folder.path("none");
    CHECK(verify(missing).exit_code == 1);
    CHECK(verify(missing).err ==
          std::format("lifeboat verify: open '{}': No such file or directory\n", missing));
}
