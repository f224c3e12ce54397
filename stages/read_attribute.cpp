// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/read_attribute.h"

#include "base/descriptor.h"
#include "base/text.h"

namespace lifeboat {

std::string read_attribute(const std::string& path) {
    const std::string text = read_file(path).value_or("");
    const auto lines = split_lines(text);
    return std::string(lines.empty() ? "" : trim(lines.front()));
}

} // namespace lifeboat
