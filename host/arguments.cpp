// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/arguments.h"

#include "base/text.h"

#include <algorithm>

namespace lifeboat::host {

namespace {

const Option* find_option(const Syntax& syntax, std::string_view name) {
    const auto found = std::ranges::find(syntax.options, name, &Option::name);
    return found == syntax.options.end() ? nullptr : &*found;
}

Result<> check_operands(const Syntax& syntax, std::size_t count) {
    if (count >= syntax.operands_minimum && count <= syntax.operands_maximum)
        return {};
    const std::string given = count == 1 ? "1 name was given" : std::format("{} names were given", count);
    if (syntax.operands_maximum == 0)
        return fail(ErrorKind::invalid, "no name is taken, {}", given);
    return fail(ErrorKind::invalid, "{} {} needed, {}", syntax.operands,
                syntax.operands_maximum == 1 ? "is" : "are", given);
}

} // namespace

std::string synopsis(const Syntax& syntax) {
    std::string line(syntax.name);
    for (const Option& option : syntax.options)
        line += std::format(" [{}{}{}]{}", option.name, option.value.empty() ? "" : " ", option.value,
                            option.repeats ? "..." : "");
    if (!syntax.operands.empty())
        (line += ' ') += syntax.operands;
    return line;
}

Result<Arguments> Arguments::parse(const Syntax& syntax, std::span<const std::string_view> words) {
    Arguments arguments;
    while (!words.empty()) {
        const std::string_view word = words.front();
        if (word == "--") {
            arguments.operands_.append_range(words.subspan(1));
            break;
        }
        const bool is_option = word.starts_with('-') && word != "-";
        if (!is_option)
            arguments.operands_.push_back(word);
        words = words.subspan(is_option ? TRY(arguments.take_option(syntax, words)) : 1);
    }
    TRY(check_operands(syntax, arguments.operands_.size()));
    return arguments;
}

Result<std::size_t> Arguments::take_option(const Syntax& syntax, std::span<const std::string_view> words) {
    const std::size_t sign = words[0].find('=');
    const bool has_value = sign != std::string_view::npos;
    const std::string_view name = words[0].substr(0, sign);
    const Option* const option = find_option(syntax, name);
    if (option == nullptr)
        return fail(ErrorKind::invalid, "option '{}' is not known", name);
    if (has(name) && !option->repeats)
        return fail(ErrorKind::invalid, "option '{}' is given twice", name);
    if (has_value && option->value.empty())
        return fail(ErrorKind::invalid, "option '{}' takes no value", name);
    const bool takes_next = !has_value && !option->value.empty();
    if (takes_next && words.size() < 2)
        return fail(ErrorKind::invalid, "option '{}' needs a value", name);
    values_[option->name].push_back(takes_next ? words[1] : has_value ? words[0].substr(sign + 1) : "");
    return takes_next ? 2 : 1;
}

std::optional<std::string_view> Arguments::value(std::string_view option) const {
    const auto given = values(option);
    return given.empty() ? std::nullopt : std::optional(given.back());
}

std::span<const std::string_view> Arguments::values(std::string_view option) const {
    const auto found = values_.find(option);
    if (found == values_.end())
        return {};
    return found->second;
}

Result<std::optional<std::uint64_t>> Arguments::number(std::string_view option, std::uint64_t minimum,
                                                       std::uint64_t maximum) const {
    const auto text = value(option);
    if (!text)
        return std::optional<std::uint64_t>();
    return std::optional(TRY(parse_in_range(*text, minimum, maximum).transform_error(while_doing(option))));
}

} // namespace lifeboat::host
