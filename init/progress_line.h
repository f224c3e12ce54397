// SPDX-License-Identifier: GPL-2.0-or-later
// When to say how far the copying has come, and in what words. Fit for a serial console: whole lines, few.
#pragma once

#include "vmcore/dump.h"

#include <cstdint>
#include <optional>
#include <string>

namespace lifeboat {

class ProgressLine {
public:
    ProgressLine(std::int64_t now_ms, std::uint64_t page_bytes)
        : last_line_ms_(now_ms)
        , page_bytes_(page_bytes) {}

    // A line, if one is due: not within 2 s of the last one, then at the next tenth or after 10 s.
    std::optional<std::string> note(const DumpProgress& progress, std::int64_t now_ms);

private:
    [[nodiscard]] bool is_due(std::uint64_t percent, std::int64_t now_ms) const;
    std::string words(const DumpProgress& progress, std::uint64_t percent, std::int64_t now_ms) const;

    std::int64_t last_line_ms_;
    std::uint64_t page_bytes_;
    std::uint64_t last_percent_ = 0;
    std::optional<std::int64_t> copying_since_ms_;
    bool said_any_ = false;
};

} // namespace lifeboat
