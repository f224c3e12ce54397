// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/subcommands.h"
#include "tests/builders/run_program.h"
#include "tests/builders/temporary_folder.h"

#include <format>
#include <fstream>

#include <doctest/doctest.h>

using namespace lifeboat::host;
using namespace lifeboat::tests;

namespace {

ProgramResult run_lifeboat(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), LIFEBOAT_PROGRAM);
    return run_program(arguments);
}

// What bash offers for the last of the words.
ProgramResult complete(const std::vector<std::string_view>& words) {
    std::string script = std::format("source <('{}' completion bash); COMP_WORDS=(", LIFEBOAT_PROGRAM);
    for (const std::string_view word : words)
        script += std::format("'{}' ", word);
    script += std::format("); COMP_CWORD={}; _lifeboat; echo \"${{COMPREPLY[@]}}\"", words.size() - 1);
    return run_program({"/bin/bash", "-c", script});
}

} // namespace

TEST_CASE("a command line that cannot be understood") {
    const struct {
        std::vector<std::string> arguments;
        std::string_view error;
    } table[] = {
        {{}, "lifeboat: a subcommand is needed\n"},
        {{"flter"}, "lifeboat: 'flter' is not a subcommand\n"},
        {{"help", "flter"}, "lifeboat: 'flter' is not a subcommand\n"},
        {{"filter"}, "lifeboat filter: INPUT OUTPUT are needed, 0 names were given\n"},
        {{"filter", "a"}, "lifeboat filter: INPUT OUTPUT are needed, 1 name was given\n"},
        {{"filter", "a", "b", "c"}, "lifeboat filter: INPUT OUTPUT are needed, 3 names were given\n"},
        {{"filter", "a", "b", "--", "--level"},
         "lifeboat filter: INPUT OUTPUT are needed, 3 names were given\n"},
        {{"filter", "--level", "32", "a", "b"},
         "lifeboat filter: --level: '32' is not a number from 0 to 31\n"},
        {{"filter", "--level=", "a", "b"}, "lifeboat filter: --level: '' is not a number from 0 to 31\n"},
        {{"filter", "a", "b", "--level"}, "lifeboat filter: option '--level' needs a value\n"},
        {{"filter", "--level=1", "a", "b", "--level=2"},
         "lifeboat filter: option '--level' is given twice\n"},
        {{"filter", "--threads=0", "a", "b"},
         "lifeboat filter: --threads: '0' is not a number from 1 to 256\n"},
        {{"filter", "--compress", "lzo", "a", "b"},
         "lifeboat filter: compression 'lzo' is not known: none, zstd or zstd:LEVEL, zlib or zlib:LEVEL\n"},
        {{"filter", "--compress", "zlib:0", "a", "b"},
         "lifeboat filter: compression 'zlib:0': zlib's levels are 1 to 9\n"},
        {{"filter", "--format=netdump", "a", "b"},
         "lifeboat filter: format 'netdump' is not known: kdump or elf\n"},
        {{"filter", "--compress=zlib", "a", "b", "--format=elf"},
         "lifeboat filter: an ELF core has no compressed pages: leave out --compress\n"},
        {{"filter", "--force=1", "a", "b"}, "lifeboat filter: option '--force' is not known\n"},
        {{"dmesg"}, "lifeboat dmesg: FILE is needed, 0 names were given\n"},
        {{"dmesg", "a", "b"}, "lifeboat dmesg: FILE is needed, 2 names were given\n"},
        {{"info", "--json"}, "lifeboat info: FILE is needed, 0 names were given\n"},
        {{"info", "--json=yes", "a"}, "lifeboat info: option '--json' takes no value\n"},
        {{"info", "-j", "a"}, "lifeboat info: option '-j' is not known\n"},
        {{"verify", "--deep"}, "lifeboat verify: option '--deep' is not known\n"},
        {{"completion", "fish"}, "lifeboat completion: 'fish' is not bash or zsh\n"},
    };
    for (const auto& [arguments, error] : table) {
        const ProgramResult result = run_lifeboat(arguments);
        CAPTURE(error);
        CHECK(result.exit_code == 2);
        CHECK(result.out == "");
        const bool names_subcommand = error.starts_with("lifeboat ");
        const std::string hint = names_subcommand
                                     ? std::format("'lifeboat help {}' explains it.\n", arguments[0])
                                     : "'lifeboat help' lists what can be asked.\n";
        CHECK(result.err == std::string(error) + hint);
    }
}

TEST_CASE("help lists every subcommand, and explains each") {
    for (const std::string_view word : {"help", "--help"}) {
        const ProgramResult result = run_lifeboat({std::string(word)});
        CHECK(result.exit_code == 0);
        CHECK(result.err == "");
        for (const Subcommand& subcommand : subcommands())
            CHECK(result.out.contains(std::format("\n  {} ", subcommand.syntax.name).substr(1)));
    }
    for (const Subcommand& subcommand : subcommands()) {
        const ProgramResult result = run_lifeboat({"help", std::string(subcommand.syntax.name)});
        CHECK(result.exit_code == 0);
        CHECK(result.out.starts_with(std::format("lifeboat {}\n", synopsis(subcommand.syntax))));
        for (const Option& option : subcommand.syntax.options)
            CHECK(result.out.contains(option.help));
        CHECK(run_lifeboat({std::string(subcommand.syntax.name), "--help"}).out == result.out);
    }
}

TEST_CASE("a name that begins with a dash stands behind two") {
    const ProgramResult result = run_lifeboat({"dmesg", "--", "--json"});
    CHECK(result.exit_code == 1);
    CHECK(result.err == "lifeboat dmesg: open '--json': No such file or directory\n");
}

TEST_CASE("bash completes subcommands, options and their words") {
    CHECK(complete({"lifeboat", "fil"}).out == "filter\n");
    CHECK(complete({"lifeboat", "filter", "--form"}).out == "--format\n");
    CHECK(complete({"lifeboat", "filter", "--format", ""}).out == "kdump elf\n");
    CHECK(complete({"lifeboat", "filter", "--compress", "zs"}).out == "zstd\n");
    CHECK(complete({"lifeboat", "filter", "--level", ""}).out == "\n");
    CHECK(complete({"lifeboat", "completion", "z"}).out == "zsh\n");
    CHECK(complete({"lifeboat", "help", "ver"}).out == "verify\n");
    const TemporaryFolder folder;
    std::ofstream(folder.path("vmcore")) << "x";
    CHECK(complete({"lifeboat", "info", folder.path("vm")}).out == folder.path("vmcore") + "\n");
}

TEST_CASE("zsh's completion has every subcommand with its options") {
    const ProgramResult result = run_lifeboat({"completion", "zsh"});
    CHECK(result.exit_code == 0);
    CHECK(result.out.starts_with("#compdef lifeboat\n"));
    for (const Subcommand& subcommand : subcommands()) {
        CHECK(result.out.contains(std::format("        '{}:", subcommand.syntax.name)));
        for (const Option& option : subcommand.syntax.options)
            CHECK(result.out.contains(std::format("{}[", option.name)));
    }
}
