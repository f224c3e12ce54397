// SPDX-License-Identifier: GPL-2.0-or-later
// The lifeboat command's subcommands: one function and one file each.
#pragma once

#include <span>
#include <string_view>

namespace lifeboat::host {

// Documented in docs/lifeboat.8: stable for scripts.
enum ExitCode : int {
    exit_ok = 0,
    exit_failed = 1, // what was asked for could not be done, or the file is not whole; stderr says why
    exit_usage = 2,  // the command line cannot be understood
};

using Arguments = std::span<const std::string_view>;

// Prints "lifeboat SUBCOMMAND: error" and a hint on stderr.
ExitCode usage_error(std::string_view subcommand, std::string_view error);
ExitCode failure(std::string_view subcommand, std::string_view error);

// filter [--level N] [--format FORMAT] [--compress METHOD] [--threads N] INPUT OUTPUT: a core or a dump to a
// filtered dump.
ExitCode filter(Arguments arguments);
// dmesg FILE: the kernel log in it, on stdout.
ExitCode dmesg(Arguments arguments);
// info [--json] FILE: what it is and what is in it, on stdout.
ExitCode info(Arguments arguments);
// verify FILE: whether it is whole; exit_failed when it is not.
ExitCode verify(Arguments arguments);

} // namespace lifeboat::host
