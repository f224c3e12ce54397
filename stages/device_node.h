// SPDX-License-Identifier: GPL-2.0-or-later
// Paths of device nodes that work also where /dev is missing: there the node is made in a folder of our own.
#pragma once

#include "base/result.h"
#include "stages/system_paths.h"

#include <string>
#include <string_view>

#include <sys/types.h>

namespace lifeboat {

// `name` is the path below /dev ("sda1", "console"); `type` is S_IFBLK or S_IFCHR.
Result<std::string> device_node(const SystemPaths& paths, std::string_view name, mode_t type, dev_t device);

} // namespace lifeboat
