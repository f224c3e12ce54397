// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/archive/cpio_entry.h"

namespace lifeboat::host {

std::string_view plain_path(std::string_view path) {
    for (;;) {
        if (path.starts_with('/'))
            path.remove_prefix(1);
        else if (path.starts_with("./"))
            path.remove_prefix(2);
        else
            break;
    }
    while (path.ends_with('/'))
        path.remove_suffix(1);
    return path == "." ? std::string_view() : path;
}

} // namespace lifeboat::host
