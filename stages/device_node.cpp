// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/device_node.h"

#include "base/system.h"

#include <sys/stat.h>
#include <unistd.h>

namespace lifeboat {

namespace {

bool is_node(const std::string& path, mode_t type, dev_t device) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 && (status.st_mode & S_IFMT) == type &&
           status.st_rdev == device;
}

} // namespace

Result<std::string> device_node(const SystemPaths& paths, std::string_view name, mode_t type, dev_t device) {
    std::string usual = std::format("{}/{}", paths.dev, name);
    if (is_node(usual, type, device))
        return usual;
    std::string flat(name);
    for (char& character : flat)
        character = character == '/' ? '!' : character;
    std::string own = std::format("{}/{}", paths.own_nodes, flat);
    if (is_node(own, type, device))
        return own;
    ::mkdir(paths.own_nodes.c_str(), 0700);
    ::unlink(own.c_str()); // a device that was another one before
    if (sys::make_node(own.c_str(), type | 0600, device) != 0)
        return fail_system("make the device node '{}'", own);
    return own;
}

} // namespace lifeboat
