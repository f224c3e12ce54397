// SPDX-License-Identifier: GPL-2.0-or-later
// The lifeboat command's subcommands: one table, and one function and one file for each. What the table says
// is what the command line is checked against, what `lifeboat help` prints, and what the shells complete.
#pragma once

#include "host/arguments.h"

#include <span>
#include <string_view>

namespace lifeboat::host {

// Documented in docs/lifeboat.8: stable for scripts.
enum ExitCode : int {
    exit_ok = 0,
    exit_failed = 1,   // what was asked for could not be done, or the file is not whole; stderr says why
    exit_usage = 2,    // the command line cannot be understood
    exit_degraded = 3, // status: the next panic will be captured, but not as it should be
};

struct Subcommand {
    Syntax syntax;
    std::string_view purpose; // one line
    ExitCode (*run)(const Arguments&);
};

// In the order in which help shows them.
std::span<const Subcommand> subcommands();
// nullptr when there is none of that name.
const Subcommand* find_subcommand(std::string_view name);

// Prints "lifeboat SUBCOMMAND: error" on stderr, the former with a hint.
ExitCode usage_error(std::string_view subcommand, std::string_view error);
ExitCode failure(std::string_view subcommand, std::string_view error);

ExitCode pack(const Arguments& arguments);
ExitCode filter(const Arguments& arguments);
ExitCode dmesg(const Arguments& arguments);
ExitCode info(const Arguments& arguments);
ExitCode verify(const Arguments& arguments);
ExitCode import_config(const Arguments& arguments);
ExitCode list(const Arguments& arguments);
ExitCode prune(const Arguments& arguments);
ExitCode test(const Arguments& arguments);
ExitCode report(const Arguments& arguments);
ExitCode ls(const Arguments& arguments);
ExitCode cat(const Arguments& arguments);
ExitCode unpack(const Arguments& arguments);
ExitCode load(const Arguments& arguments);
ExitCode unload(const Arguments& arguments);
ExitCode reload(const Arguments& arguments);
ExitCode estimate(const Arguments& arguments);
ExitCode status(const Arguments& arguments);
ExitCode completion(const Arguments& arguments);
ExitCode console(const Arguments& arguments);
ExitCode good(const Arguments& arguments);
ExitCode help(const Arguments& arguments);

} // namespace lifeboat::host
