// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/console/rescue_console.h"
#include "host/subcommands.h"

#include <csignal>

namespace lifeboat::host {

namespace {

constexpr std::string_view name = "console";
constexpr std::uint64_t idle_s = 600;
constexpr std::uint64_t longest_idle_s = 86'400;

} // namespace

ExitCode console(const Arguments& arguments) {
    const auto idle = arguments.number("--idle", 1, longest_idle_s);
    if (!idle)
        return usage_error(name, idle.error().text);
    // ^C is for what runs, not for what waits for it.
    ::signal(SIGINT, SIG_IGN);
    ::signal(SIGQUIT, SIG_IGN);
    ::signal(SIGTSTP, SIG_IGN);
    const ConsoleSetting setting{.paths = {},
                                 .root = std::string(arguments.value("--root").value_or("/target")),
                                 .root_is_mounted = arguments.has("--mounted"),
                                 .has_password = arguments.has("--password"),
                                 .is_open = arguments.has("--open"),
                                 .idle_ms = static_cast<std::int64_t>(idle->value_or(idle_s)) * 1000};
    return static_cast<ExitCode>(run_console(setting));
}

} // namespace lifeboat::host
