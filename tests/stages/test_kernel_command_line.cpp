// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/kernel_command_line.h"

#include <doctest/doctest.h>

using namespace lifeboat;

namespace {

std::string joined(std::string_view line) {
    std::string text;
    for (const auto& [name, value] : parse_kernel_command_line(line))
        text += "<" + name + "|" + value + ">";
    return text;
}

} // namespace

TEST_CASE("the kernel command line is cut as the kernel cuts it") {
    const struct {
        std::string_view line;
        std::string_view expected;
    } rows[] = {
        {"", ""},
        {"  \n", ""},
        {"quiet", "<quiet|>"},
        {"a=1 b=2\n", "<a|1><b|2>"},
        {"a=1  \t b", "<a|1><b|>"},
        {"a=", "<a|>"},
        {"a=b=c", "<a|b=c>"},
        {"lifeboat.target=\"UUID=x /crash ext4\" next", "<lifeboat.target|UUID=x /crash ext4><next|>"},
        {"\"lifeboat.target=UUID=x /crash\" next", "<lifeboat.target|UUID=x /crash><next|>"},
        {"a=\"open to the end", "<a|open to the end>"},
        {"\"a\"", "<a|>"},
        {"a=x\"y z\"w b", "<a|x\"y z\"w><b|>"},
        {"a=\"\" b", "<a|><b|>"},
        {"\"a=b\"c d", "<a|b\"c><d|>"},
        {"=x", "<=x|>"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.line);
        CHECK(joined(row.line) == row.expected);
    }
}
