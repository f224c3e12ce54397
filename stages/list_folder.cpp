// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/list_folder.h"

#include "base/scope_guard.h"

#include <algorithm>

#include <dirent.h>

namespace lifeboat {

Result<std::vector<std::string>> list_folder(const std::string& path) {
    DIR* folder = ::opendir(path.c_str());
    if (folder == nullptr)
        return fail_system("list '{}'", path);
    ScopeGuard close([folder] { ::closedir(folder); });
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(folder)) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..")
            names.emplace_back(name);
    }
    std::ranges::sort(names);
    return names;
}

} // namespace lifeboat
