// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/crash_reason.h"

#include "base/log.h"
#include "base/text.h"

#include <algorithm>

namespace lifeboat::host {

namespace {

// Sources: Linux arch/x86/kernel/dumpstack.c, arch/x86/mm/fault.c, lib/bug.c, drivers/tty/sysrq.c,
// kernel/panic.c, kernel/watchdog.c, kernel/hung_task.c. What is fatal and what only warns, a log does not
// tell: that the machine went down with this log makes the first of them the likeliest.
constexpr std::string_view beginnings[] = {
    "BUG: ",
    "kernel BUG at ",
    "Oops: ",
    "general protection fault",
    "watchdog: BUG: ",
    "sysrq: Trigger a crash",
    "Kernel panic - not syncing: ",
};
constexpr std::size_t limit_bytes = 200;

// "[   12.250000] text" without what stands in brackets.
std::string_view without_time(std::string_view line) {
    if (!line.starts_with('['))
        return line;
    const std::size_t end = line.find("] ");
    return end == std::string_view::npos ? line : line.substr(end + 2);
}

} // namespace

std::string find_crash_reason(std::string_view kernel_log) {
    for (const std::string_view line : split_lines(kernel_log)) {
        const std::string_view text = without_time(line);
        const bool names_reason = std::ranges::any_of(
            beginnings, [&](std::string_view beginning) { return text.starts_with(beginning); });
        if (names_reason)
            return printable(text.substr(0, limit_bytes));
    }
    return {};
}

} // namespace lifeboat::host
