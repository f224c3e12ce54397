// SPDX-License-Identifier: GPL-2.0-or-later
// A file that is there whole or not at all: written aside in the same folder, synced, then renamed.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

#include <sys/types.h>

namespace lifeboat {

// The folder that the path's last name is in: "." and "/" where no other is named.
std::string folder_of(const std::string& path);

// What was made, renamed and removed in the folder is on disk when it returns.
Result<> sync_folder(const std::string& path);

// Makes `path`, or takes the place of what has that name (of a link too, not of its target). The folder must
// be there; file and folder are on disk when it returns. After a failure the old file is untouched and
// nothing of the new one is left, save where the machine itself stopped: then a "path.incomplete-XXXXXX" may
// be.
Result<> replace_file(const std::string& path, std::string_view content, mode_t mode = 0644);

} // namespace lifeboat
