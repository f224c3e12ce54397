// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/log.h"
#include "host/archive/entry_line.h"
#include "host/subcommands.h"

#include <cstdio>

#include <unistd.h>

namespace lifeboat::host {

namespace {

constexpr std::string_view name = "ls";

// Lines wait for the part's end: its heading tells what is known only then.
class Listing : public InitrdVisitor {
public:
    Listing(bool is_long, bool is_terminal)
        : is_long_(is_long)
        , is_terminal_(is_terminal) {}

    Result<> visit(const CpioEntry& entry, EntryContent& /*content*/) override {
        const std::string line = is_long_ ? entry_line(entry) : entry.path;
        // A terminal is not given what an archive may tell it to do; a program is given the names.
        (lines_ += is_terminal_ ? printable(line) : line) += '\n';
        return {};
    }

    Result<> end_part(const InitrdPart& part) override {
        if (is_long_ || is_terminal_)
            std::fputs((part_line(part) + "\n").c_str(), stdout);
        std::fwrite(lines_.data(), 1, lines_.size(), stdout);
        lines_.clear();
        if (std::ferror(stdout) != 0)
            return fail_system("write the list");
        return {};
    }

private:
    bool is_long_;
    bool is_terminal_;
    std::string lines_;
};

} // namespace

ExitCode ls(const Arguments& arguments) {
    const std::string path = arguments.operand(0);
    Listing listing(arguments.has("-l") || arguments.has("--long"), ::isatty(STDOUT_FILENO) == 1);
    const auto summary = read_initrd(path, listing);
    if (!summary)
        return failure(name, summary.error().text);
    if (std::fflush(stdout) != 0)
        return failure(name, system_error("write the list").text);
    if (summary->problem)
        return failure(name, std::format("'{}': {}", path, summary->problem->text));
    return exit_ok;
}

} // namespace lifeboat::host
