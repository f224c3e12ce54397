// SPDX-License-Identifier: GPL-2.0-or-later
// A line on a terminal that shows how far a dump is, rewritten in place a few times a second.
//
//     copying  [###########---------]  57 %   812 MiB/s   0:07 left
#pragma once

#include "vmcore/dump.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace lifeboat::host {

// The line, without a return; `verb` is what is done in the second phase, and `elapsed_ms` the time in this
// one.
std::string progress_line(std::string_view verb, const DumpProgress& progress, std::uint64_t page_bytes,
                          std::int64_t elapsed_ms);

class ProgressBar {
public:
    // Shows nothing where standard error is no terminal.
    ProgressBar(std::string_view verb, std::uint64_t page_bytes);
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;
    // Takes the line away.
    ~ProgressBar();

    void show(const DumpProgress& progress);

private:
    std::string_view verb_;
    std::uint64_t page_bytes_;
    bool is_shown_;
    DumpProgress::Phase phase_ = DumpProgress::Phase::scanning;
    std::int64_t phase_began_ms_;
    std::int64_t shown_at_ms_;
};

} // namespace lifeboat::host
