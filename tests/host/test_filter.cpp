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
    CHECK(result.out.starts_with(std::format("level=31 bytes={} pages={} left_out_before=0 dumped={} zero=",
                                             file.file_bytes, file.present.size(), file.dumped.size())));
    CHECK(result.out.ends_with(std::format(" unreadable=0 kept={} cache=16 cache_private=0 user=1 free=256 "
                                           "hwpoison=0 offline=0 asked_level=31\n",
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

TEST_CASE("a dump is filtered again, with more left out and other methods") {
    const Files files;
    const std::string again = files.folder.path("again");
    REQUIRE(run_lifeboat({"filter", "--level=2", "--compress=zlib:9", files.input, files.output}).exit_code ==
            0);
    CHECK(KdumpFile(files.output).status == 0x1);
    const ProgramResult result = run_lifeboat({"filter", "--level=8", files.output, again});
    CHECK(result.exit_code == 0);
    CHECK(result.err == "");
    CHECK(result.out.contains(" left_out_before=16 "));
    const KdumpFile file(again);
    CHECK(file.dumped == files.built.expected_pfns(10));
    CHECK(file.status == 0x20);
    CHECK(file.dump_level == 10);
}

TEST_CASE("an ELF core is written, and read again") {
    const Files files;
    CHECK(
        run_lifeboat({"filter", "--format", "elf", "--compress=none", files.input, files.output}).exit_code ==
        0);
    const std::string again = files.folder.path("again");
    const ProgramResult result = run_lifeboat({"filter", files.output, again});
    CHECK(result.exit_code == 0);
    CHECK(result.err == "");
    CHECK(KdumpFile(again).dumped == files.built.expected_pfns(31));
}

TEST_CASE("what is read from is never written to") {
    const Files files;
    const auto before = std::filesystem::last_write_time(files.input);
    const std::string link = files.folder.path("link");
    std::filesystem::create_symlink(files.input, link);
    for (const std::string& output : {files.input, link}) {
        const ProgramResult result = run_lifeboat({"filter", files.input, output});
        CHECK(result.exit_code == 1);
        CHECK(result.err ==
              std::format("lifeboat filter: '{}' and '{}' are the same file\n", files.input, output));
    }
    // The natural thing to ask for when a dump stayed incomplete.
    std::filesystem::rename(files.input, files.incomplete);
    const ProgramResult result = run_lifeboat({"filter", files.incomplete, files.output});
    CHECK(result.exit_code == 1);
    CHECK(result.err == std::format("lifeboat filter: '{0}' would be written over: the output is called "
                                    "'{0}' at first\n",
                                    files.incomplete));
    CHECK(std::filesystem::last_write_time(files.incomplete) == before);
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

TEST_CASE("a file that is not for us is one clear error, whatever is asked of it") {
    const TemporaryFolder folder;
    const std::string path = folder.path("dump");
    const struct {
        std::string content;
        std::string error;
    } table[] = {
        {"", "read 64 bytes of '{0}' at 0x0: the file ends there"},
        {std::string(4096, 'x'), "read '{0}': neither an ELF file nor a kdump-compressed one"},
        {"makedumpfile" + std::string(4096, '\0'),
         "read '{0}': a flattened dump; 'makedumpfile -R DUMP < {0}' makes a dump of it"},
        {"KDUMP   " + std::string(4096, '\0'), "read '{0}': version 0 of the dump's header is not known"},
        {"KDUMP   ", "read 56 bytes of '{0}' at 0x8: the file ends there"},
    };
    for (const auto& [content, error] : table) {
        std::ofstream(path) << content;
        for (const std::string_view subcommand : {"filter", "dmesg", "info", "verify"}) {
            std::vector<std::string> arguments = {std::string(subcommand), path};
            if (subcommand == "filter")
                arguments.push_back(folder.path("output"));
            const ProgramResult result = run_lifeboat(arguments);
            CHECK(result.exit_code == 1);
            CHECK(result.out == "");
            CHECK(result.err == std::format("lifeboat {}: {}\n", subcommand,
                                            std::vformat(error, std::make_format_args(path))));
        }
    }
    CHECK_FALSE(std::filesystem::exists(folder.path("output.incomplete")));
}

TEST_CASE("an output that cannot be made") {
    const Files files;
    const ProgramResult result = run_lifeboat({"filter", files.input, files.folder.path("no/dump")});
    CHECK(result.exit_code == 1);
    CHECK(result.err == std::format("lifeboat filter: open '{}': No such file or directory\n",
                                    files.folder.path("no/dump.incomplete")));
}

// In a folder that others write to, the name may be a link by somebody else to a file of root's.
TEST_CASE("the output is a new file, whatever has its name") {
    const Files files;
    const std::string precious = files.folder.path("precious");
    std::ofstream(precious) << "precious";
    std::filesystem::create_symlink(precious, files.incomplete);
    CHECK(run_lifeboat({"filter", files.input, files.output}).exit_code == 0);
    CHECK(std::filesystem::file_size(precious) == 8);
    CHECK(std::filesystem::is_regular_file(std::filesystem::symlink_status(files.output)));
    // The rest of an earlier attempt, readable for all.
    std::ofstream(files.incomplete) << "rest";
    std::filesystem::permissions(files.incomplete, std::filesystem::perms(0666));
    CHECK(run_lifeboat({"filter", files.input, files.output}).exit_code == 0);
    CHECK(std::filesystem::status(files.output).permissions() == std::filesystem::perms(0600));
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

TEST_CASE("a kernel that does not tell its pages apart is named, and the dump claims no more than it is") {
    const TemporaryFolder folder;
    const std::string output = folder.path("dump");
    BuiltCore::from("ram 0x1000000..0x1900000\nkernel 7.1\npage 0x1880 anon\nomit OFFSET(page.compound_info)")
        .write(folder.path("core"));
    const ProgramResult result = run_lifeboat({"filter", folder.path("core"), output});
    CHECK(result.exit_code == 0);
    CHECK(result.err ==
          "lifeboat filter: VMCOREINFO has no usable offset of page.compound_info, keeping every page\n"
          "lifeboat filter: what kernel 7.1.0-test tells of its pages is not enough for level 31: level 1\n");
    CHECK(result.out.starts_with("level=1 "));
    CHECK(result.out.ends_with(" asked_level=31\n"));
    CHECK(KdumpFile(output).dump_level == 1);
}
