// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/text.h"

#include <charconv>

namespace lifeboat {

namespace {

constexpr std::string_view blanks = " \t\r";

template <class Number>
std::optional<Number> parse_whole(std::string_view text, int base) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (error != std::errc{} || end != text.data() + text.size())
        return std::nullopt;
    return number;
}

} // namespace

std::string_view trim(std::string_view text) {
    const std::size_t first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (!text.empty()) {
        const std::size_t end = text.find(separator);
        parts.push_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return parts;
}

std::vector<std::string_view> split_words(std::string_view text) {
    std::vector<std::string_view> words;
    for (text = trim(text); !text.empty(); text = trim(text)) {
        const std::size_t end = text.find_first_of(blanks);
        words.push_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end);
    }
    return words;
}

std::optional<KeyValue> split_key_value(std::string_view line, char separator) {
    const std::size_t at = line.find(separator);
    if (at == std::string_view::npos)
        return std::nullopt;
    return KeyValue{trim(line.substr(0, at)), trim(line.substr(at + 1))};
}

std::optional<std::uint64_t> parse_unsigned(std::string_view text, int base) {
    if (base == 16 && (text.starts_with("0x") || text.starts_with("0X")))
        text.remove_prefix(2);
    return parse_whole<std::uint64_t>(text, base);
}

std::optional<std::int64_t> parse_signed(std::string_view text) {
    return parse_whole<std::int64_t>(text, 10);
}

Result<std::uint64_t> parse_in_range(std::string_view text, std::uint64_t minimum, std::uint64_t maximum) {
    const auto number = parse_unsigned(text);
    if (!number || *number < minimum || *number > maximum)
        return fail(ErrorKind::invalid, "'{}' is not a number from {} to {}", text, minimum, maximum);
    return *number;
}

} // namespace lifeboat
