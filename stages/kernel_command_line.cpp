// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/kernel_command_line.h"

namespace lifeboat {

namespace {

// The kernel's isspace(): those of C, and the no-break space of Latin-1.
bool is_space(char character) {
    return character == ' ' || (character >= '\t' && character <= '\r') || character == '\xa0';
}

// Takes the next parameter off the front of `rest`, quotes and all.
std::string_view take_parameter(std::string_view& rest) {
    std::size_t end = 0;
    bool in_quotes = false;
    for (; end < rest.size() && (in_quotes || !is_space(rest[end])); ++end)
        in_quotes ^= rest[end] == '"';
    const std::string_view parameter = rest.substr(0, end);
    rest.remove_prefix(end);
    return parameter;
}

bool drop_leading_quote(std::string_view& text) {
    if (!text.starts_with('"'))
        return false;
    text.remove_prefix(1);
    return true;
}

void drop_trailing_quote(std::string_view& text) {
    if (text.ends_with('"'))
        text.remove_suffix(1);
}

KernelParameter split_parameter(std::string_view parameter) {
    const bool quoted = drop_leading_quote(parameter);
    const std::size_t equals = parameter.find('=');
    std::string_view name = parameter.substr(0, equals);
    // As the kernel has it, a parameter that begins with '=' has no value.
    if (equals == std::string_view::npos || equals == 0) {
        name = parameter;
        if (quoted)
            drop_trailing_quote(name);
        return {std::string(name), {}, {}};
    }
    std::string_view value = parameter.substr(equals + 1);
    if (drop_leading_quote(value) || quoted)
        drop_trailing_quote(value);
    return {std::string(name), std::string(value), {}};
}

} // namespace

std::vector<KernelParameter> parse_kernel_command_line(std::string_view line) {
    std::vector<KernelParameter> parameters;
    for (;;) {
        while (!line.empty() && is_space(line.front()))
            line.remove_prefix(1);
        if (line.empty())
            return parameters;
        const std::string_view parameter = take_parameter(line);
        parameters.push_back(split_parameter(parameter));
        parameters.back().text = parameter;
    }
}

} // namespace lifeboat
