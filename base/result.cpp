// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/result.h"

#include <algorithm>
#include <cstring>

namespace lifeboat {

namespace {

constexpr std::string_view kind_names[] = {"no_data",   "corrupt", "unsupported", "no_space",
                                           "timed_out", "invalid", "system"};

} // namespace

std::string_view name_of(ErrorKind kind) {
    return kind_names[std::to_underlying(kind)];
}

std::optional<ErrorKind> parse_error_kind(std::string_view name) {
    const auto* const found = std::ranges::find(kind_names, name);
    if (found == std::end(kind_names))
        return std::nullopt;
    return static_cast<ErrorKind>(found - kind_names);
}

Error system_error(std::string_view what, int os_error) {
    const bool no_space = os_error == ENOSPC || os_error == EDQUOT || os_error == EFBIG;
    return Error{no_space ? ErrorKind::no_space : ErrorKind::system,
                 std::format("{}: {}", what, std::strerror(os_error)), os_error};
}

} // namespace lifeboat
