// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

namespace guest {

// Runs the program that the first word is the path of, and waits; what waitpid(2) says of it. A program that
// cannot be run exits with 127.
int run_program(std::vector<std::string> words);

} // namespace guest
