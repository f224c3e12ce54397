// SPDX-License-Identifier: GPL-2.0-or-later
#include "qemu/guest/folder.h"

#include <memory>

#include <dirent.h>

namespace guest {

namespace {

struct CloseFolder {
    void operator()(DIR* folder) const { closedir(folder); }
};

} // namespace

std::vector<std::string> names_in(const std::string& folder) {
    std::vector<std::string> names;
    const std::unique_ptr<DIR, CloseFolder> open(opendir(folder.c_str()));
    if (!open)
        return names;
    while (const dirent* entry = readdir(open.get()))
        if (const std::string name = entry->d_name; name != "." && name != "..")
            names.push_back(name);
    return names;
}

} // namespace guest
