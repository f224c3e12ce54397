// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/target_room.h"

#include "base/free_space.h"
#include "host/machine/target_place.h"
#include "stages/dump_catalogue.h"

#include <algorithm>
#include <filesystem>

#include <unistd.h>

namespace lifeboat::host {

namespace {

bool is_named_by_itself(const Config& config, const Target& target) {
    return std::ranges::any_of(config.targets, [&](const std::string& text) {
        const auto named = parse_target(text);
        return named && named->source() == target.source();
    });
}

std::string place_in_being(const std::string& folder) {
    std::filesystem::path place = folder;
    while (::access(place.c_str(), F_OK) != 0 && place.has_relative_path())
        place = place.parent_path();
    return place.string();
}

// What the crash kernel may remove for a new dump.
bool has_room_in_older_dumps(const Plan& plan, const std::string& folder) {
    const auto dumps = list_dumps(folder);
    return plan.prune == Prune::when_full && dumps && !beyond_retention(*dumps, {.count = 1}, 0).empty();
}

std::string lack_of_room(const Plan& plan, const TargetRoom& room) {
    const bool lacks_blocks = room.free_bytes < least_room_bytes;
    if ((!lacks_blocks && room.free_files != 0) || has_room_in_older_dumps(plan, room.folder))
        return {};
    return std::format(
        "'{}' has {}, so that not even the kernel log goes there: make room on its file system", room.folder,
        lacks_blocks ? std::format("{} KiB free", room.free_bytes >> 10)
                     : std::string("no inode left for a file"));
}

TargetRoom room_of_target(const SystemPaths& paths, const Plan& plan, const Target& target,
                          const Config& config) {
    const std::string name = std::format("{} {}", target.source(), encode_octal(target.path));
    const auto place = locate_target(paths, target.text(), DeviceView::known);
    if (!place)
        return {.name = name,
                .trouble = place.error().text +
                           "; bring it back or name another target in lifeboat.conf, then "
                           "`lifeboat pack` and `lifeboat reload`"};
    if (place->folder_on_host.empty())
        return {.name = name};
    TargetRoom room = room_of(place->folder_on_host);
    room.name = name;
    if (place->is_read_only && !is_named_by_itself(config, target))
        room.trouble =
            std::format("the file system of '{}' is read-only, as the kernel makes it after an error: "
                        "check it with fsck(8), or make it writable with `mount -o remount,rw`",
                        room.folder);
    else if (room.error.empty())
        room.trouble = lack_of_room(plan, room);
    return room;
}

} // namespace

TargetRoom room_of(const std::string& folder) {
    TargetRoom room{.folder = folder};
    if (const auto space = free_space_of(place_in_being(folder))) {
        room.free_bytes = space->for_root_bytes;
        room.free_files = space->files;
    } else {
        room.error = space.error().text;
    }
    return room;
}

std::vector<TargetRoom> rooms_of(const SystemPaths& paths, const Plan& plan, const Config& config) {
    std::vector<TargetRoom> rooms;
    for (const Target& target : plan.targets)
        rooms.push_back(room_of_target(paths, plan, target, config));
    return rooms;
}

} // namespace lifeboat::host
