// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/subcommands.h"

#include <algorithm>
#include <cstdio>
#include <format>

namespace lifeboat::host {

namespace {

void list_subcommands() {
    for (const auto& [syntax, purpose, run] : subcommands())
        std::fputs(std::format("  {:<12} {}\n", syntax.name, purpose).c_str(), stdout);
    std::fputs("'lifeboat help SUBCOMMAND' explains one; lifeboat(8) has it all.\n", stdout);
}

std::string left_column(const Option& option) {
    return std::format("{}{}{}", option.name, option.value.empty() ? "" : " ", option.value);
}

void explain(const Subcommand& subcommand) {
    const auto& [syntax, purpose, run] = subcommand;
    std::fputs(std::format("lifeboat {}\n  {}\n", synopsis(syntax), purpose).c_str(), stdout);
    std::size_t width = 0;
    for (const Option& option : syntax.options)
        width = std::max(width, left_column(option).size());
    for (const Option& option : syntax.options)
        std::fputs(std::format("  {:<{}}  {}\n", left_column(option), width, option.help).c_str(), stdout);
}

} // namespace

ExitCode help(const Arguments& arguments) {
    if (arguments.operands().empty()) {
        list_subcommands();
        return exit_ok;
    }
    const Subcommand* const subcommand = find_subcommand(arguments.operands()[0]);
    if (subcommand == nullptr)
        return usage_error("", std::format("'{}' is not a subcommand", arguments.operands()[0]));
    explain(*subcommand);
    return exit_ok;
}

} // namespace lifeboat::host
