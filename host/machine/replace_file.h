// SPDX-License-Identifier: GPL-2.0-or-later
// Writing a file so that at no moment there is half of one under its name.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

#include <sys/types.h>

namespace lifeboat::host {

// Writes `PATH.new` beside it, waits until that is on disk, renames it, and waits until the folder is on
// disk. On failure an older file is still there, and PATH.new is not.
Result<> replace_file(const std::string& path, std::string_view content, mode_t mode = 0644);

} // namespace lifeboat::host
