// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/builders/core_builder.h"
#include "tests/builders/run_program.h"
#include "tests/builders/temporary_folder.h"

#include <cstdio>
#include <format>

#include <doctest/doctest.h>

using namespace lifeboat::tests;

namespace {

struct Files {
    Files() {
        BuiltCore::from("machine cpus 3\nram 0x100000..0x1c00000\npage 0x200..0x210 lru\npage 0x400 buddy "
                        "order 8")
            .write(core);
    }
    [[nodiscard]] ProgramResult filter(std::vector<std::string> options) const {
        options.insert(options.begin(), {LIFEBOAT_PROGRAM, "filter"});
        options.insert(options.end(), {core, dump});
        return run_program(options);
    }
    TemporaryFolder folder;
    std::string core = folder.path("core");
    std::string dump = folder.path("dump");
};

ProgramResult info(const std::vector<std::string>& arguments) {
    std::vector<std::string> all = {LIFEBOAT_PROGRAM, "info"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return run_program(all);
}

} // namespace

TEST_CASE("info tells what a dump is and what is in it") {
    const Files files;
    REQUIRE(files.filter({"--level=31"}).exit_code == 0);
    const ProgramResult result = info({files.dump});
    CHECK(result.exit_code == 0);
    CHECK(result.err == "");
    for (const std::string_view line :
         {"format       kdump-compressed, version 6, status 0x20\n", "complete     yes\n",
          "kernel       6.1.0-test\n", "host         testhost\n", "level        31\n",
          "crashed      2023-11-14T22:13:20Z\n", "cpus         3\n", "page size    4096\n",
          "pages        6912 present, 6640 in the file, 272 left out, 0 lost\n", "  cache      16\n",
          "  free       256\n"})
        CHECK_MESSAGE(result.out.contains(line), line);
}

TEST_CASE("info of an ELF core") {
    const Files files;
    const ProgramResult result = info({files.core});
    CHECK(result.exit_code == 0);
    CHECK(result.out.starts_with("format       ELF core\ncomplete     yes\n"));
    CHECK(result.out.contains("pages        6912 present, 6912 in the file, 0 left out, 0 lost\n"));
}

TEST_CASE("info's JSON is JSON, and says the same") {
    const Files files;
    REQUIRE(files.filter({"--compress=zlib"}).exit_code == 0);
    for (const std::string& file : {files.core, files.dump}) {
        const ProgramResult result = info({"--json", file});
        CHECK(result.exit_code == 0);
        const ProgramResult parsed = run_program(
            {"/usr/bin/python3", "-c",
             "import json, sys; info = json.loads(sys.argv[1]); "
             "print(info['format'], info['complete'], info['pages']['present'], info['classes']['free'], "
             "info['doubts'])",
             result.out});
        CHECK(parsed.exit_code == 0);
        CHECK(parsed.out == std::format("{} True 6912 256 []\n", file == files.core ? "elf" : "kdump"));
    }
}

TEST_CASE("text that is no text is shown without harm") {
    const Files files;
    REQUIRE(files.filter({}).exit_code == 0);
    {
        // Into the host's name in the header.
        std::FILE* const file = std::fopen(files.dump.c_str(), "r+b");
        REQUIRE(file != nullptr);
        std::fseek(file, 12 + 65, SEEK_SET);
        std::fputs("a\"\\\n\x1b\xff", file);
        std::fclose(file);
    }
    CHECK(info({files.dump}).out.contains("host         a\"\\\\x0a\\x1b\\xff"));
    const ProgramResult parsed = run_program(
        {"/usr/bin/python3", "-c", "import json, sys; print(ascii(json.loads(sys.argv[1])['host']))",
         info({"--json", files.dump}).out});
    CHECK(parsed.out.starts_with("'a\"\\\\\\n\\x1b\\ufffd"));
}

TEST_CASE("info of a file that is not there") {
    const Files files;
    const ProgramResult missing = info({files.folder.path("none")});
    CHECK(missing.exit_code == 1);
    CHECK(missing.err ==
          std::format("lifeboat info: open '{}': No such file or directory\n", files.folder.path("none")));
}

TEST_CASE("info says that a dump is incomplete") {
    const Files files;
    REQUIRE(files.filter({}).exit_code == 0);
    {
        std::FILE* const file = std::fopen(files.dump.c_str(), "r+b");
        REQUIRE(file != nullptr);
        std::fseek(file, 424, SEEK_SET); // the status
        std::fputc(0x28, file);
        std::fclose(file);
    }
    const ProgramResult result = info({files.dump});
    CHECK(result.exit_code == 0);
    CHECK(result.out.contains("complete     no\n"));
    CHECK(result.out.contains(std::format(
        "doubt        '{}' says that it is incomplete, reading it as far as it goes\n", files.dump)));
}
