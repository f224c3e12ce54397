// SPDX-License-Identifier: GPL-2.0-or-later
// Checked parsing of short texts: numbers, sizes, durations, `key = value` lines. Views point into the input.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace lifeboat {

// Without blanks and tabs (and \r) on either side.
std::string_view trim(std::string_view text);

// What stands before each separator, and what is left behind the last one where that is not empty.
std::vector<std::string_view> split(std::string_view text, char separator);

// The lines of a text, without their '\n'; an unfinished last line counts.
inline std::vector<std::string_view> split_lines(std::string_view text) {
    return split(text, '\n');
}

// The words between blanks and tabs.
std::vector<std::string_view> split_words(std::string_view text);

struct KeyValue {
    std::string_view key;
    std::string_view value;
};
// Cut at the first `separator`, both sides trimmed; nothing when there is no separator.
std::optional<KeyValue> split_key_value(std::string_view line, char separator = '=');

// Digits only: no sign, no blank, no rest. Base 10, or 16 with or without 0x.
std::optional<std::uint64_t> parse_unsigned(std::string_view text, int base = 10);
// With a sign allowed, as VMCOREINFO's NUMBER()s have it.
std::optional<std::int64_t> parse_signed(std::string_view text);
// An unsigned number of 0..maximum; the error names what was found and the range.
Result<std::uint64_t> parse_in_range(std::string_view text, std::uint64_t minimum, std::uint64_t maximum);

} // namespace lifeboat
