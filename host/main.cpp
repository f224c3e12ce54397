// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat: the host command. Only dispatches.
#include "host/subcommands.h"

#include <cstdio>
#include <format>
#include <string>
#include <vector>

namespace lifeboat::host {

namespace {

struct Subcommand {
    std::string_view name;
    std::string_view synopsis;
    ExitCode (*run)(Arguments);
};

constexpr Subcommand subcommands[] = {
    {"filter",
     "[--level 0..31] [--format kdump|elf] [--compress zstd[:LEVEL]|zlib[:LEVEL]|none] [--threads N] INPUT "
     "OUTPUT",
     filter},
    {"dmesg", "FILE", dmesg},
    {"info", "[--json] FILE", info},
    {"verify", "FILE", verify},
};

ExitCode help() {
    for (const Subcommand& subcommand : subcommands)
        std::fputs(std::format("lifeboat {} {}\n", subcommand.name, subcommand.synopsis).c_str(), stdout);
    return exit_ok;
}

ExitCode dispatch(Arguments arguments) {
    if (arguments.empty())
        return usage_error("", "a subcommand is needed");
    if (arguments[0] == "help" || arguments[0] == "--help")
        return help();
    for (const Subcommand& subcommand : subcommands)
        if (subcommand.name == arguments[0])
            return subcommand.run(arguments.subspan(1));
    return usage_error("", std::string("'") + std::string(arguments[0]) + "' is not a subcommand");
}

ExitCode complain(std::string_view subcommand, std::string_view error, std::string_view hint) {
    std::string line = "lifeboat";
    if (!subcommand.empty())
        (line += ' ') += subcommand;
    ((line += ": ") += error) += '\n';
    line += hint;
    std::fputs(line.c_str(), stderr);
    return hint.empty() ? exit_failed : exit_usage;
}

} // namespace

ExitCode usage_error(std::string_view subcommand, std::string_view error) {
    return complain(subcommand, error, "'lifeboat help' lists what can be asked.\n");
}

ExitCode failure(std::string_view subcommand, std::string_view error) {
    return complain(subcommand, error, "");
}

} // namespace lifeboat::host

int main(int argc, char** argv) {
    const std::vector<std::string_view> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
    return lifeboat::host::dispatch(arguments);
}
