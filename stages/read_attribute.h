// SPDX-License-Identifier: GPL-2.0-or-later
// An attribute in /sys: the first line of the file, trimmed; empty when it cannot be read.
#pragma once

#include <string>

namespace lifeboat {

std::string read_attribute(const std::string& path);

} // namespace lifeboat
