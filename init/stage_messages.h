// SPDX-License-Identifier: GPL-2.0-or-later
// What a supervised child says to PID 1: lines over a pipe, each ended by '\n'.
//
//     log <i|w|e> <text>              text with '\n' and '\\' written as \n and \\ (two characters)
//     fact <key> <text>
//     progress <s|c> <done> <total> <bytes>
//     failed <kind> <errno> <text>    at most one of these two, at the end
//     completed
//
// The child reads a dead kernel's memory and may be damaged by it: whatever it says is checked, and a line
// that is none of these is dropped.
#pragma once

#include "base/log.h"
#include "base/result.h"
#include "stages/stage_report.h"

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace lifeboat {

struct LogMessage {
    LogLevel level;
    std::string text;
};
struct FactMessage {
    std::string key;
    std::string value;
};
struct EndMessage {
    std::optional<Error> error; // none: completed
};
using StageMessage = std::variant<LogMessage, FactMessage, DumpProgress, EndMessage>;

std::string encode(const StageMessage& message); // with its '\n'
std::optional<StageMessage> decode(std::string_view line);

// Cuts what comes out of the pipe into lines. A line beyond the limit is cut off there, so that a flood
// without a newline takes no memory.
class LineCutter {
public:
    static constexpr std::size_t limit_bytes = 4096;
    // The lines that are complete with these bytes.
    std::vector<std::string> add(std::string_view bytes);

private:
    std::string unfinished_;
};

} // namespace lifeboat
