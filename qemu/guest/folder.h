// SPDX-License-Identifier: GPL-2.0-or-later
// The names in a folder. (std::filesystem wants more of the C++ library than the static build has.)
#pragma once

#include <string>
#include <vector>

namespace guest {

std::vector<std::string> names_in(const std::string& folder);

} // namespace guest
