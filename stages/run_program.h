// SPDX-License-Identifier: GPL-2.0-or-later
// Runs another program, of this initrd or of the root file system that is mounted. For a supervised child of
// PID 1: what it waits for may never come.
#pragma once

#include "base/log.h"
#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace lifeboat {

struct Program {
    std::string path; // absolute
    std::vector<std::string> arguments;
    std::string root;     // the program sees this folder as its root; empty: ours
    std::string input;    // what it reads, at most 4,096 bytes; empty: nothing
    std::string terminal; // a device, which it talks to in a session of its own; empty: it talks to the log
    bool shares_streams = false; // it talks where the caller does, and not to the log
    std::string folder; // where it starts; empty, or not there: at the root it sees, or where the caller is
};

// Its exit status, once it has ended; what it says on both of its outputs goes to the log, each line as
// "PREFIX: LINE". Fails where it cannot be started or dies by a signal. It dies with the caller.
Result<int> run_program(const Program& program, std::string_view prefix, Log& log);

// For a program that is about to be started: nothing ignored, nothing blocked.
void reset_signals();

// As execve(2) takes them: the path is the first, nullptr the last. Valid as long as both arguments are.
std::vector<char*> words_of(const std::string& path, const std::vector<std::string>& arguments);

} // namespace lifeboat
