// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/progress_bar.h"

#include <doctest/doctest.h>

using lifeboat::DumpProgress;
using lifeboat::host::progress_line;

TEST_CASE("the line that shows progress") {
    const struct {
        DumpProgress progress;
        std::int64_t elapsed_ms;
        std::string_view line;
    } table[] = {
        {{DumpProgress::Phase::scanning, 0, 100, 0}, 0, "scanning [--------------------]   0 %"},
        {{DumpProgress::Phase::scanning, 0, 0, 0}, 5000, "scanning [--------------------]   0 %"},
        {{DumpProgress::Phase::copying, 57, 100, 0}, 100, "copying  [###########---------]  57 %"},
        {{DumpProgress::Phase::copying, 262144, 1048576, 0},
         2000,
         "copying  [#####---------------]  25 %    512 MiB/s   0:06 left"},
        {{DumpProgress::Phase::copying, 1, 100'000, 0},
         1000,
         "copying  [--------------------]   0 %      0 MiB/s  1666:39 left"},
        {{DumpProgress::Phase::copying, 100, 100, 0},
         1000,
         "copying  [####################] 100 %      0 MiB/s   0:00 left"},
        {{DumpProgress::Phase::copying, 200, 100, 0}, 0, "copying  [####################] 100 %"},
    };
    for (const auto& [progress, elapsed_ms, line] : table)
        CHECK(progress_line("copying", progress, 4096, elapsed_ms) == line);
}
