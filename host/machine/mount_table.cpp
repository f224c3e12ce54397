// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/machine/mount_table.h"

#include "base/text.h"
#include "host/machine/resolved_path.h"

#include <algorithm>
#include <memory>

#include <libmount/libmount.h>

namespace lifeboat::host {

namespace {

struct ReleaseTable {
    void operator()(libmnt_table* table) const { ::mnt_unref_table(table); }
};
using Table = std::unique_ptr<libmnt_table, ReleaseTable>;

struct ReleaseIterator {
    void operator()(libmnt_iter* iterator) const { ::mnt_free_iter(iterator); }
};
using Iterator = std::unique_ptr<libmnt_iter, ReleaseIterator>;

std::string mount_table_path(const SystemPaths& paths) {
    return paths.proc + "/self/mountinfo";
}

std::string text_of(const char* text) {
    return text == nullptr ? "" : text;
}

Result<Table> read_table(const std::string& path) {
    errno = 0;
    Table table(::mnt_new_table_from_file(path.c_str()));
    if (!table)
        return fail(
            system_error(std::format("read the mount table '{}'", path), errno != 0 ? errno : EINVAL));
    return table;
}

template <class Visit>
void for_each(const Table& table, Visit visit) {
    const Iterator iterator(::mnt_new_iter(MNT_ITER_FORWARD));
    libmnt_fs* entry = nullptr;
    while (iterator && ::mnt_table_next_fs(table.get(), iterator.get(), &entry) == 0)
        visit(entry);
}

MountEntry read_entry(libmnt_fs* entry) {
    return {.id = ::mnt_fs_get_id(entry),
            .parent_id = ::mnt_fs_get_parent_id(entry),
            .device = ::mnt_fs_get_devno(entry),
            .folder = text_of(::mnt_fs_get_target(entry)),
            .root = text_of(::mnt_fs_get_root(entry)),
            .type = text_of(::mnt_fs_get_fstype(entry)),
            .source = text_of(::mnt_fs_get_source(entry)),
            .options = text_of(::mnt_fs_get_vfs_options(entry)),
            .super_options = text_of(::mnt_fs_get_fs_options(entry))};
}

const MountEntry* find_root(std::span<const MountEntry> mounts) {
    const auto is_parent = [&](const MountEntry& mount) {
        return std::ranges::any_of(
            mounts, [&](const MountEntry& other) { return &other != &mount && other.id == mount.parent_id; });
    };
    const auto root = std::ranges::find_if(
        mounts, [&](const MountEntry& mount) { return mount.folder == "/" && !is_parent(mount); });
    return root == mounts.end() ? nullptr : &*root;
}

// The mount on `mount` that a walk along `path` comes to first.
const MountEntry* next_on_the_way(std::span<const MountEntry> mounts, const MountEntry& mount,
                                  std::string_view path) {
    const MountEntry* next = nullptr;
    for (const MountEntry& child : mounts)
        if (child.parent_id == mount.id && child.id != mount.id && is_below(path, child.folder) &&
            (next == nullptr || child.folder.size() < next->folder.size()))
            next = &child;
    return next;
}

} // namespace

Result<std::vector<MountEntry>> read_mount_table(const SystemPaths& paths) {
    const Table table = TRY(read_table(mount_table_path(paths)));
    std::vector<MountEntry> mounts;
    for_each(table, [&](libmnt_fs* entry) { mounts.push_back(read_entry(entry)); });
    return mounts;
}

const MountEntry* find_mount(std::span<const MountEntry> mounts, std::string_view path) {
    const MountEntry* mount = find_root(mounts);
    // A bound, for a table that contradicts itself.
    for (std::size_t step = 0; mount != nullptr && step < mounts.size(); ++step) {
        const MountEntry* const next = next_on_the_way(mounts, *mount, path);
        if (next == nullptr)
            break;
        mount = next;
    }
    return mount;
}

std::string find_unmounted(const SystemPaths& paths, std::string_view path, const MountEntry& mount) {
    const auto table = read_table(paths.root + "/etc/fstab");
    std::string missing;
    if (!table)
        return missing;
    for_each(*table, [&](libmnt_fs* entry) {
        const std::string folder = text_of(::mnt_fs_get_target(entry));
        if (folder.starts_with('/') && is_below(path, folder) && folder.size() > mount.folder.size() &&
            folder.size() > missing.size())
            missing = folder;
    });
    return missing;
}

bool has_option(std::string_view options, std::string_view option) {
    return std::ranges::any_of(split(options, ','), [option](std::string_view word) {
        return word == option || (option.ends_with('=') && word.starts_with(option));
    });
}

} // namespace lifeboat::host
