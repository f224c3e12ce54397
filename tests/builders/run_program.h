// SPDX-License-Identifier: GPL-2.0-or-later
// Runs a program to its end.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace lifeboat::tests {

struct ProgramResult {
    int exit_code = -1; // 128 + the signal that ended it
    std::string out;
    std::string err;
};

// `prepare` runs in the child before the program does: limits and the like.
ProgramResult run_program(const std::vector<std::string>& arguments,
                          const std::function<void()>& prepare = {});

} // namespace lifeboat::tests
