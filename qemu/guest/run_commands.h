// SPDX-License-Identifier: GPL-2.0-or-later
// For cases on what a program of the product says on a live kernel.
#pragma once

#include <string_view>

namespace guest {

// Runs each of the commands, between semicolons, its words between commas, with its output on the console and
// "guest: ran COMMAND: exit N" behind it; then the machine reboots. `write,/proc/x,1` writes a file.
[[noreturn]] void run_commands(std::string_view commands);

} // namespace guest
