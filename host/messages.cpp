// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/log.h"
#include "host/subcommands.h"

#include <cstdio>
#include <format>
#include <string>

namespace lifeboat::host {

namespace {

void complain(std::string_view subcommand, std::string_view error) {
    std::string line = "lifeboat";
    if (!subcommand.empty())
        (line += ' ') += subcommand;
    // A file's name, or what a damaged file says, is not to tell a terminal what to do.
    ((line += ": ") += printable(error)) += '\n';
    std::fputs(line.c_str(), stderr);
}

} // namespace

ExitCode usage_error(std::string_view subcommand, std::string_view error) {
    complain(subcommand, error);
    if (subcommand.empty())
        std::fputs("'lifeboat help' lists what can be asked.\n", stderr);
    else
        std::fputs(std::format("'lifeboat help {}' explains it.\n", subcommand).c_str(), stderr);
    return exit_usage;
}

ExitCode failure(std::string_view subcommand, std::string_view error) {
    complain(subcommand, error);
    return exit_failed;
}

} // namespace lifeboat::host
