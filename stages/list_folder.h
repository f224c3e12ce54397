// SPDX-License-Identifier: GPL-2.0-or-later
// The names in a folder, sorted, without `.` and `..`.
#pragma once

#include "base/result.h"

#include <string>
#include <vector>

namespace lifeboat {

Result<std::vector<std::string>> list_folder(const std::string& path);

} // namespace lifeboat
