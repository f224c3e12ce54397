// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel command line cut into parameters as the kernel cuts it.
// Source: Linux lib/cmdline.c, next_arg(): blanks separate, except between double quotes, which may stand
// anywhere in a parameter; quotes around the whole parameter or the whole value are not part of it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lifeboat {

struct KernelParameter {
    std::string name;
    std::string value; // empty also where there is no '='
    std::string text;  // as it stands there, with its quotes
};

std::vector<KernelParameter> parse_kernel_command_line(std::string_view line);

} // namespace lifeboat
