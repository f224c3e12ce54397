// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/mount_from_fstab.h"

#include <memory>
#include <optional>

#include <libmount/libmount.h>

namespace lifeboat {

namespace {

struct ReleaseTable {
    void operator()(libmnt_table* table) const { ::mnt_unref_table(table); }
};
using Table = std::unique_ptr<libmnt_table, ReleaseTable>;

std::string text_of(const char* text) {
    return text == nullptr ? "" : text;
}

// Nothing where the table has no such row, or one that is not for a boot.
std::optional<Target> row_for(libmnt_table* table, const std::string& folder, Log& log) {
    libmnt_fs* const row = ::mnt_table_find_target(table, folder.c_str(), MNT_ITER_FORWARD);
    // mnt_fs_match_options() would take the "no" for its own.
    char* value = nullptr;
    std::size_t value_bytes = 0;
    if (row == nullptr || ::mnt_fs_get_option(row, "noauto", &value, &value_bytes) == 0)
        return std::nullopt;
    const std::string source = text_of(::mnt_fs_get_source(row));
    auto target = parse_target(encode_octal(source) + " /");
    if (!target) {
        log.warning("fstab: {}: {}, going on without it", folder, target.error().text);
        return std::nullopt;
    }
    const std::string type = text_of(::mnt_fs_get_fstype(row));
    target->type = type.empty() ? "auto" : type;
    // What the system itself wants to be written comes when it remounts.
    const std::string options = text_of(::mnt_fs_get_fs_options(row));
    target->options = options.empty() ? "ro" : "ro," + options;
    return *std::move(target);
}

} // namespace

std::vector<std::string> mount_from_fstab(const SystemPaths& paths, std::span<const std::string_view> folders,
                                          Deadline deadline, Log& log) {
    std::vector<std::string> mounted;
    const std::string file = paths.mount_point + "/etc/fstab";
    const Table table(::mnt_new_table_from_file(file.c_str()));
    if (!table) {
        log.warning("fstab: '{}' cannot be read, mounting nothing beside root", file);
        return mounted;
    }
    for (const std::string_view folder : folders) {
        const auto target = row_for(table.get(), std::string(folder), log);
        if (!target)
            continue;
        SystemPaths places = paths;
        places.mount_point += folder;
        const TargetRequest request{.paths = places,
                                    .targets = std::span(&*target, 1),
                                    .deadline = deadline,
                                    .coldplug = true,
                                    .role = folder};
        if (const auto done = find_and_mount_target(request, log); done)
            mounted.emplace_back(folder);
        else
            log.warning("fstab: {}: {}, going on without it", folder, done.error().text);
    }
    return mounted;
}

} // namespace lifeboat
