// SPDX-License-Identifier: GPL-2.0-or-later
// A folder as the root of paths: links in them, absolute ones and those with "..", lead nowhere else, as
// after chroot(2). By openat2(2) with RESOLVE_IN_ROOT, from kernel 5.6 on.
#pragma once

#include "base/descriptor.h"

#include <string>
#include <string_view>

namespace lifeboat::host {

// A folder below the root and a name in it: for the *at() calls.
struct RootedName {
    Descriptor folder;
    std::string name;
};

class RootedFolder {
public:
    static Result<RootedFolder> open(const std::string& path);

    // `path` (plain_path()) below the root, links followed; flags as of open(2).
    [[nodiscard]] Result<Descriptor> open_below(const std::string& path, int flags) const;
    // Where `path` is to be made: the folders above it are made where they are missing. invalid: its last
    // part is "..".
    [[nodiscard]] Result<RootedName> place_for(const std::string& path) const;

private:
    explicit RootedFolder(Descriptor root)
        : root_(std::move(root)) {}

    [[nodiscard]] Result<Descriptor> open_or_make_folder(const std::string& path) const;

    Descriptor root_;
};

} // namespace lifeboat::host
