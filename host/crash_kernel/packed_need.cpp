// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/crash_kernel/packed_need.h"

#include "host/machine/manifest.h"
#include "host/machine/memory_need.h"
#include "host/machine/state_folder.h"
#include "stages/list_folder.h"

#include <algorithm>
#include <string>
#include <vector>

namespace lifeboat::host {

std::uint64_t largest_packed_need(const SystemPaths& paths) {
    constexpr std::string_view prefix = "manifest-";
    std::uint64_t largest = 0;
    for (const std::string& file : list_folder(in_state(paths, "")).value_or(std::vector<std::string>())) {
        if (!file.starts_with(prefix))
            continue;
        if (const auto manifest = read_manifest(in_state(paths, file)))
            largest = std::max(largest, noted_need(*manifest).value_or(0));
    }
    return largest;
}

} // namespace lifeboat::host
