// SPDX-License-Identifier: GPL-2.0-or-later
// A path with its symlinks resolved as they are seen from within `root` ("" is the machine's own root). What
// does not exist stays as it is written: a folder may still be to be made.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

namespace lifeboat::host {

// `path` is absolute; the result is absolute within `root`, without `.`, `..` and double slashes. Fails where
// the links go in a circle.
Result<std::string> resolve_path(const std::string& root, std::string_view path);

// Whether `path` is `folder` or below it. Both absolute and resolved.
bool is_below(std::string_view path, std::string_view folder);

// What of `path` is below `folder`, "/" at the least.
std::string path_below(std::string_view path, std::string_view folder);

// The two put together with one slash between them; `below` is absolute.
std::string joined_path(std::string_view folder, std::string_view below);

} // namespace lifeboat::host
