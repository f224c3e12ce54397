// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/builders/core_builder.h"
#include "tests/builders/kdump_reader.h"
#include "tests/builders/run_program.h"
#include "tests/builders/temporary_folder.h"

#include <csignal>
#include <filesystem>
#include <format>
#include <fstream>

#include <doctest/doctest.h>
#include <sys/resource.h>

using namespace lifeboat::tests;

namespace {

constexpr std::string_view hint = "'lifeboat help' lists what can be asked.\n";

constexpr std::string_view machine = R"(
ram 0x1000..0x9fc00
ram 0x100000..0x1900000
fill 0x200..0x240 random
page 0x210..0x220 lru
page 0x300 anon
page 0x400 buddy order 8
)";

ProgramResult run_lifeboat(std::vector<std::string> arguments, const std::function<void()>& prepare = {}) {
    arguments.insert(arguments.begin(), LIFEBOAT_PROGRAM);
    return run_program(arguments, prepare);
}

struct Files {
    Files() { built.write(input); }
    BuiltCore built = BuiltCore::from(machine);
    TemporaryFolder folder;
    std::string input = folder.path("core");
    std::string output = folder.path("dump");
    std::string incomplete = output + ".incomplete";
};

} // namespace

TEST_CASE("filter writes the dump under its name and sums it up in one line") {
    const Files files;
    const ProgramResult result =
        run_lifeboat({"filter", "--level", "31", "--threads=2", files.input, files.output});
    CHECK(result.exit_code == 0);
    CHECK(result.err == "");
    const KdumpFile file(files.output);
    CHECK(file.is_complete());
    CHECK(file.dumped == files.built.expected_pfns(31));
    CHECK(result.out.starts_with(std::format("level=31 bytes={} pages={} dumped={} zero=", file.file_bytes,
                                             file.present.size(), file.dumped.size())));
    CHECK(result.out.ends_with(std::format(" unreadable=0 kept={} cache=16 cache_private=0 user=1 free=256 "
                                           "hwpoison=0 offline=0\n",
                                           file.present.size() - 16 - 1 - 256)));
    CHECK_FALSE(std::filesystem::exists(files.incomplete));
}

TEST_CASE("levels and compression are taken from the command line") {
    const Files files;
    CHECK(run_lifeboat({"filter", files.input, "--level=0", "--compress=none", files.output}).exit_code == 0);
    const KdumpFile file(files.output);
    CHECK(file.dumped == file.present);
    CHECK(file.status == 0);
    // A second run replaces the file, and without a level leaves out all that can be.
    CHECK(run_lifeboat({"filter", "--compress", "zstd:3", files.input, files.output}).exit_code == 0);
    CHECK(KdumpFile(files.output).dump_level == 31);
}

TEST_CASE("a command line that cannot be understood") {
    const struct {
        std::vector<std::string> arguments;
        std::string_view error;
    } table[] = {
        {{}, "lifeboat: a subcommand is needed\n"},
        {{"flter"}, "lifeboat: 'flter' is not a subcommand\n"},
        {{"filter"}, "lifeboat filter: INPUT and OUTPUT are needed, 0 names were given\n"},
        {{"filter", "a"}, "lifeboat filter: INPUT and OUTPUT are needed, 1 names were given\n"},
        {{"filter", "a", "b", "c"}, "lifeboat filter: INPUT and OUTPUT are needed, 3 names were given\n"},
        {{"filter", "--level", "32", "a", "b"},
         "lifeboat filter: --level: '32' is not a number from 0 to 31\n"},
        {{"filter", "--level=", "a", "b"}, "lifeboat filter: --level: '' is not a number from 0 to 31\n"},
        {{"filter", "a", "b", "--level"}, "lifeboat filter: option '--level' needs a value\n"},
        {{"filter", "--threads=0", "a", "b"},
         "lifeboat filter: --threads: '0' is not a number from 1 to 256\n"},
        {{"filter", "--compress", "lzo", "a", "b"},
         "lifeboat filter: compression 'lzo' is not known: none, zstd or zstd:LEVEL\n"},
        {{"filter", "--force=1", "a", "b"}, "lifeboat filter: option '--force' is not known\n"},
        {{"dmesg"}, "lifeboat dmesg: one VMCORE is needed\n"},
        {{"dmesg", "a", "b"}, "lifeboat dmesg: one VMCORE is needed\n"},
    };
    for (const auto& [arguments, error] : table) {
        const ProgramResult result = run_lifeboat(arguments);
        CHECK(result.exit_code == 2);
        CHECK(result.out == "");
        CHECK(result.err == std::string(error) + std::string(hint));
    }
}

TEST_CASE("help") {
    for (const std::string_view word : {"help", "--help"}) {
        const ProgramResult result = run_lifeboat({std::string(word)});
        CHECK(result.exit_code == 0);
        CHECK(result.err == "");
        CHECK(result.out.contains("lifeboat filter [--level 0..31]"));
        CHECK(result.out.contains("lifeboat dmesg VMCORE\n"));
    }
}

TEST_CASE("an input that is none leaves no output") {
    const Files files;
    const std::string missing = files.folder.path("missing");
    ProgramResult result = run_lifeboat({"filter", missing, files.output});
    CHECK(result.exit_code == 1);
    CHECK(result.err == std::format("lifeboat filter: open '{}': No such file or directory\n", missing));
    const std::string text = files.folder.path("text");
    std::ofstream(text) << std::string(100, 'x');
    result = run_lifeboat({"filter", text, files.output});
    CHECK(result.exit_code == 1);
    CHECK(result.err ==
          std::format("lifeboat filter: read '{}': neither an ELF file nor a kdump-compressed one\n", text));
    CHECK_FALSE(std::filesystem::exists(files.output));
    CHECK_FALSE(std::filesystem::exists(files.incomplete));
}

TEST_CASE("an output that cannot be made") {
    const Files files;
    const ProgramResult result = run_lifeboat({"filter", files.input, files.folder.path("no/dump")});
    CHECK(result.exit_code == 1);
    CHECK(result.err == std::format("lifeboat filter: open '{}': No such file or directory\n",
                                    files.folder.path("no/dump.incomplete")));
}

TEST_CASE("a dump that breaks off stays under the name that says so") {
    const Files files;
    const ProgramResult result = run_lifeboat({"filter", "--level=0", files.input, files.output}, [] {
        std::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{400'000, 400'000};
        ::setrlimit(RLIMIT_FSIZE, &limit);
    });
    CHECK(result.exit_code == 1);
    CHECK(result.err.contains("lifeboat filter: write "));
    CHECK(result.err.ends_with(std::format(
        ": File too large, what was written stays in '{}', marked incomplete\n", files.incomplete)));
    CHECK_FALSE(std::filesystem::exists(files.output));
    CHECK_FALSE(KdumpFile(files.incomplete).is_complete());
}

TEST_CASE("doubts are told, and the dump is made all the same") {
    const Files files;
    std::filesystem::resize_file(files.input, files.built.data_at(1) + 0x400000);
    const ProgramResult result = run_lifeboat({"filter", "--level=0", files.input, files.output});
    CHECK(result.exit_code == 0);
    CHECK(result.err.starts_with(std::format("lifeboat filter: '{}' is truncated: ", files.input)));
    CHECK(KdumpFile(files.output).is_complete());
}
