// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/json_object.h"

#include <bit>
#include <cstdint>
#include <format>

namespace lifeboat::host {

namespace {

constexpr char32_t replacement = 0xfffd; // of bytes that are no character: JSON has characters only

// Takes the first off the text, which is not empty. Source: RFC 3629.
char32_t take_character(std::string_view& text) {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const int ones = std::countl_one(byte(0));
    const std::size_t length = ones == 0 ? 1 : static_cast<std::size_t>(ones);
    char32_t character = byte(0) & (0xffU >> (ones + 1));
    bool is_right = ones != 1 && length <= 4 && length <= text.size();
    for (std::size_t i = 1; is_right && i < length; ++i) {
        is_right = (byte(i) & 0xc0U) == 0x80;
        character = character << 6 | (byte(i) & 0x3fU);
    }
    constexpr char32_t least[] = {0, 0, 0x80, 0x800, 0x10000}; // a longer form of what has a shorter is wrong
    is_right = is_right && character >= least[length] && character <= 0x10ffff &&
               (character < 0xd800 || character > 0xdfff);
    text.remove_prefix(is_right ? length : 1);
    return is_right ? character : replacement;
}

// As one unit of UTF-16, or two.
std::string escaped(char32_t character) {
    if (character < 0x10000)
        return std::format("\\u{:04x}", static_cast<std::uint32_t>(character));
    const std::uint32_t rest = character - 0x10000;
    return std::format("\\u{:04x}\\u{:04x}", 0xd800 + (rest >> 10), 0xdc00 + (rest & 0x3ff));
}

} // namespace

std::string json_string(std::string_view text) {
    std::string quoted = "\"";
    while (!text.empty()) {
        const char32_t character = take_character(text);
        if (character < 0x20 || character >= 0x7f)
            quoted += escaped(character);
        else if (character == '"' || character == '\\')
            (quoted += '\\') += static_cast<char>(character);
        else
            quoted += static_cast<char>(character);
    }
    return quoted + "\"";
}

void JsonObject::add(std::string_view name, std::span<const std::string> values) {
    std::string list;
    for (const std::string& value : values)
        list += (list.empty() ? "" : ", ") + json_string(value);
    add_raw(name, "[" + list + "]");
}

void JsonObject::add(std::string_view name, std::span<const JsonObject> values) {
    std::string list;
    for (const JsonObject& value : values)
        list += (list.empty() ? "" : ", ") + value.text();
    add_raw(name, "[" + list + "]");
}

void JsonObject::add_raw(std::string_view name, std::string_view value) {
    if (!members_.empty())
        members_ += ", ";
    ((members_ += json_string(name)) += ": ") += value;
}

} // namespace lifeboat::host
