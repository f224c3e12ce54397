// SPDX-License-Identifier: GPL-2.0-or-later
// The plan, and after a zero byte the kernel command line that overrides it.
#include "base/text.h"
#include "stages/kernel_command_line.h"
#include "stages/plan.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

using namespace lifeboat;

// What is written is read as the same. A line may get longer by its codes, and one that is too long is lost;
// and on a command line, unlike in a plan, a quoted value may hold a line's end.
static void check_written(const Plan& plan) {
    const std::string text = plan.text();
    const Plan again = Plan::parse(text);
    const bool is_long = std::ranges::any_of(split_lines(text), [](auto line) { return line.size() > 4096; });
    if (!is_long && (again.text() != text || !again.complaints.empty()))
        __builtin_trap();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::size_t end = input.find('\0');
    Plan plan = Plan::parse(input.substr(0, end));
    check_written(plan);
    if (end != std::string_view::npos)
        plan.override_from(parse_kernel_command_line(input.substr(end + 1)));
    if (plan.level > dump_level_maximum) // whatever was written, what is left can be carried out
        __builtin_trap();
    for (const Target& target : plan.targets)
        if (target.path.empty() || target.path.front() != '/')
            __builtin_trap();
    return 0;
}
