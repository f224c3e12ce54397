// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/memory_info.h"

#include "base/descriptor.h"
#include "base/text.h"

namespace lifeboat {

std::uint64_t parse_kib_line(std::string_view text, std::string_view key) {
    for (const std::string_view line : split_lines(text)) {
        const auto words = split_words(line);
        if (words.size() >= 2 && words[0] == key)
            return parse_unsigned(words[1]).value_or(0);
    }
    return 0;
}

MemoryInfo parse_memory_info(std::string_view text) {
    return {parse_kib_line(text, "MemTotal:"), parse_kib_line(text, "MemFree:"),
            parse_kib_line(text, "MemAvailable:")};
}

Result<MemoryInfo> read_memory_info(const std::string& path) {
    return parse_memory_info(TRY(read_file(path)));
}

} // namespace lifeboat
