// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/kernel_command_line.h"

#include <doctest/doctest.h>

using namespace lifeboat;

namespace {

std::string joined(std::string_view line) {
    std::string text;
    for (const KernelParameter& parameter : parse_kernel_command_line(line))
        text += "<" + parameter.name + "|" + parameter.value + ">";
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

TEST_CASE("a parameter's text is as it stands, with its quotes") {
    const auto parameters = parse_kernel_command_line("  a \"b=c d\"\te=\"f g\"h\n");
    REQUIRE(parameters.size() == 3);
    CHECK(parameters[0].text == "a");
    CHECK(parameters[1].text == "\"b=c d\"");
    CHECK(parameters[2].text == "e=\"f g\"h");
}
