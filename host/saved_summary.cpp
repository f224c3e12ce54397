// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/saved_summary.h"

#include "base/text.h"

#include <format>

namespace lifeboat::host {

std::optional<std::string> find_in_summary(std::string_view log, std::string_view key) {
    constexpr std::string_view mark = "summary result=";
    const std::size_t begin = log.rfind(mark);
    if (begin == std::string_view::npos)
        return std::nullopt;
    const std::string_view line = log.substr(begin, log.find('\n', begin) - begin);
    for (const std::string_view word : split(line, ' '))
        if (const auto pair = split_key_value(word); pair && pair->key == key)
            return std::string(pair->value);
    return std::nullopt;
}

} // namespace lifeboat::host
