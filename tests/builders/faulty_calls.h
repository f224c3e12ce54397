// SPDX-License-Identifier: GPL-2.0-or-later
// Runs a program, or a function in a process of its own, and lets one of the system calls by which it changes
// files go wrong, or kills it there: what a full or failing disk does, and what a machine that stops leaves
// behind as far as names are concerned.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace lifeboat::tests {

struct FaultyRun {
    int exit_code = -1; // 128 + the signal that ended it
    // The calls that count, in their order, by name: "openat", "write", "rename", ...
    std::vector<std::string> calls;
};

enum class Calls {
    changing, // those by which files are changed
    all,      // those too by which files are opened, read and mapped, and folders read
};

// `at` counts the calls that count from 0. Before that call the program is killed; with `os_error` the call
// fails with it instead, and the program goes on. Nothing goes wrong where `at` is empty. x86_64 only;
// ptrace(2).
FaultyRun run_with_fault(const std::vector<std::string>& arguments, std::optional<std::size_t> at,
                         int os_error = 0);

FaultyRun run_with_fault(const std::function<int()>& work, std::optional<std::size_t> at, int os_error = 0,
                         Calls which = Calls::changing);

} // namespace lifeboat::tests
