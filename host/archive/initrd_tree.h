// SPDX-License-Identifier: GPL-2.0-or-later
// The tree that an initrd becomes: what stands under a path when all its archives are unpacked, links
// followed. For looking things up; contents are not kept.
#pragma once

#include "host/archive/cpio_entry.h"

#include <map>
#include <string>

namespace lifeboat::host {

class InitrdTree {
public:
    // In the order of the initrd: a later entry takes the place of an earlier one.
    void add(const CpioEntry& entry);

    // The file that `path` (with or without a slash in front) leads to: the path under which its content is
    // found. no_data: nothing is there; unsupported: it is not a file.
    [[nodiscard]] Result<std::string> find_file(std::string_view path) const;

    // The path under which the content of this entry is found: that of the first of its hard links.
    [[nodiscard]] static std::string content_path(const CpioEntry& entry);

private:
    struct Node {
        mode_t mode = 0;
        std::string link_target;
        std::string content_path;
    };
    [[nodiscard]] Result<std::string> follow(std::string_view path) const;

    std::map<std::string, Node, std::less<>> nodes_; // by plain path
};

} // namespace lifeboat::host
