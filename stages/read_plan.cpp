// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/descriptor.h"
#include "base/text.h"
#include "stages/plan.h"
#include "stages/system_paths.h"

namespace lifeboat {

Plan read_plan(const SystemPaths& paths) {
    const auto text = read_file(paths.plan());
    Plan plan = Plan::parse(text.value_or(""));
    if (!text)
        plan.complaints.push_back(text.error().text + ", using defaults");
    const auto command_line = read_file(paths.proc + "/cmdline");
    if (command_line)
        plan.override_from(parse_kernel_command_line(*command_line));
    else
        plan.complaints.push_back(command_line.error().text + ", overriding nothing");
    return plan;
}

} // namespace lifeboat
