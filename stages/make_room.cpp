// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/make_room.h"

#include "base/free_space.h"
#include "stages/dump_catalogue.h"

#include <algorithm>

namespace lifeboat {

namespace {

bool has_room(const std::string& place, const Room& wanted) {
    const auto space = free_space_of(place);
    return space && space->for_this_process_bytes() >= wanted.bytes &&
           space->files.value_or(UINT64_MAX) >= wanted.files;
}

void finish_removals(const std::string& place, std::string_view stage, StageReport& report) {
    for (const std::string& name : list_half_removed(place).value_or(std::vector<std::string>{}))
        if (const auto removed = finish_removal(place, name); !removed)
            report.warning("{}: {}", stage, removed.error().text);
        else
            report.info("{}: removed '{}', which a removal that was cut off had left", stage, name);
}

} // namespace

void make_room(const SaveRequest& request, const std::string& own, const Room& wanted, std::string_view stage,
               std::string_view why, StageReport& report) {
    const std::string place = request.paths.mount_point + request.target_path;
    auto others = list_dumps(place);
    if (!others)
        return report.warning("{}: {}, removing no older dump", stage, others.error().text);
    finish_removals(place, stage, report);
    std::erase_if(*others, [&](const StoredDump& dump) { return dump.name == own; });
    for (const StoredDump& dump : beyond_retention(*others, {.count = 1}, 0)) {
        if (has_room(place, wanted))
            return;
        if (const auto removed = remove_dump(place, dump.name); !removed)
            report.warning("{}: {}", stage, removed.error().text);
        else
            report.info("{}: {}, removed the older dump '{}' ({} bytes)", stage, why, dump.name, dump.bytes);
    }
}

} // namespace lifeboat
