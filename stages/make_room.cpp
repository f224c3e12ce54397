// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/make_room.h"

#include "stages/dump_catalogue.h"

#include <algorithm>

namespace lifeboat {

namespace {

void finish_removals(const std::string& place, StageReport& report) {
    for (const std::string& name : list_half_removed(place).value_or(std::vector<std::string>{}))
        if (const auto removed = finish_removal(place, name); !removed)
            report.warning("vmcore: {}", removed.error().text);
        else
            report.info("vmcore: removed '{}', which a removal that was cut off had left", name);
}

} // namespace

void make_room(const SaveRequest& request, const DumpFolder& folder, std::uint64_t wanted_bytes,
               StageReport& report) {
    const std::string place = request.paths.mount_point + request.target_path;
    auto others = list_dumps(place);
    if (!others)
        return report.warning("vmcore: {}, removing no older dump", others.error().text);
    finish_removals(place, report);
    std::erase_if(*others, [&](const StoredDump& dump) { return dump.name == folder.name(); });
    for (const StoredDump& dump : beyond_retention(*others, {.count = 1}, 0)) {
        if (folder.free_bytes() >= wanted_bytes)
            return;
        if (const auto removed = remove_dump(place, dump.name); !removed)
            report.warning("vmcore: {}", removed.error().text);
        else
            report.info("vmcore: about {} bytes are expected, removed the older dump '{}' ({} bytes)",
                        wanted_bytes, dump.name, dump.bytes);
    }
}

} // namespace lifeboat
