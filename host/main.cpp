// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat: the host command. Only dispatches.
#include "host/subcommands.h"

#include <algorithm>
#include <string>
#include <vector>

namespace lifeboat::host {

namespace {

using Words = std::span<const std::string_view>;

ExitCode run(const Subcommand& subcommand, Words words) {
    if (std::ranges::contains(words, "--help")) {
        const auto asked = Arguments::parse({"help", "", 0, 1, {}}, Words(&subcommand.syntax.name, 1));
        return asked ? help(*asked) : exit_failed;
    }
    const auto arguments = Arguments::parse(subcommand.syntax, words);
    if (!arguments)
        return usage_error(subcommand.syntax.name, arguments.error().text);
    return subcommand.run(*arguments);
}

ExitCode dispatch(Words words) {
    if (words.empty())
        return usage_error("", "a subcommand is needed");
    const std::string_view name = words[0] == "--help" ? "help" : words[0];
    if (const Subcommand* const subcommand = find_subcommand(name))
        return run(*subcommand, words.subspan(1));
    return usage_error("", std::string("'") + std::string(name) + "' is not a subcommand");
}

} // namespace

} // namespace lifeboat::host

int main(int argc, char** argv) {
    const std::vector<std::string_view> words(argv + (argc > 0 ? 1 : 0), argv + argc);
    return lifeboat::host::dispatch(words);
}
