// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/machine/kernel_release.h"

#include "base/text.h"

namespace lifeboat::host {

std::optional<KernelLine> parse_kernel_line(std::string_view release) {
    const auto numbers = split_key_value(release, '.');
    if (!numbers)
        return std::nullopt;
    const std::string_view rest = numbers->value;
    const auto major = parse_unsigned(numbers->key);
    const auto minor = parse_unsigned(rest.substr(0, rest.find_first_not_of("0123456789")));
    if (!major || !minor)
        return std::nullopt;
    return KernelLine{static_cast<unsigned>(*major), static_cast<unsigned>(*minor)};
}

} // namespace lifeboat::host
