// SPDX-License-Identifier: GPL-2.0-or-later
#include "qemu/guest/command_line.h"

#include "base/descriptor.h"

namespace guest {

std::optional<std::string> option(std::string_view name) {
    const auto line = lifeboat::read_file("/proc/cmdline");
    if (!line)
        return std::nullopt;
    const std::string wanted = std::format("guest.{}", name);
    std::string_view rest = *line;
    while (!rest.empty()) {
        const auto end = rest.find_first_of(" \n");
        const std::string_view word = rest.substr(0, end);
        rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
        if (word == wanted)
            return "";
        if (word.starts_with(wanted) && word[wanted.size()] == '=')
            return std::string(word.substr(wanted.size() + 1));
    }
    return std::nullopt;
}

} // namespace guest
