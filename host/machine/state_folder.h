// SPDX-License-Identifier: GPL-2.0-or-later
// Where packed initrds and all that lifeboat remembers are.
#pragma once

#include "stages/system_paths.h"

#include <format>
#include <string>
#include <string_view>

namespace lifeboat::host {

inline constexpr std::string_view state_folder = "/var/lib/lifeboat";

inline std::string in_state(const SystemPaths& paths, std::string_view name) {
    return std::format("{}{}/{}", paths.root, state_folder, name);
}

} // namespace lifeboat::host
