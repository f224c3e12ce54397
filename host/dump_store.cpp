// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/dump_store.h"

#include <algorithm>
#include <memory>

#include <libmount/libmount.h>

namespace lifeboat::host {

namespace {

constexpr const char* mount_table_path = "/proc/self/mountinfo";

struct FreeTable {
    void operator()(libmnt_table* table) const { ::mnt_unref_table(table); }
};
struct FreeCache {
    void operator()(libmnt_cache* cache) const { ::mnt_unref_cache(cache); }
};

// Where `source` (a tag or a device) is mounted whole, and not a folder of it.
Result<std::string> find_mount_point(const std::string& source) {
    const std::unique_ptr<libmnt_table, FreeTable> table(::mnt_new_table());
    const std::unique_ptr<libmnt_cache, FreeCache> cache(::mnt_new_cache());
    if (!table || ::mnt_table_parse_file(table.get(), mount_table_path) != 0)
        return fail_system("read '{}'", mount_table_path);
    ::mnt_table_set_cache(table.get(), cache.get());
    libmnt_fs* const mount = ::mnt_table_find_source(table.get(), source.c_str(), MNT_ITER_BACKWARD);
    if (mount == nullptr)
        return fail(ErrorKind::no_data, "'{}' is not mounted", source);
    const char* const root = ::mnt_fs_get_root(mount);
    if (root != nullptr && std::string_view(root) != "/")
        return fail(ErrorKind::no_data, "of '{}' only the folder '{}' is mounted", source, root);
    return std::string(::mnt_fs_get_target(mount));
}

} // namespace

Result<std::string> find_dump_folder(std::string_view target) {
    if (!target.contains(' '))
        return std::string(target);
    const Target parsed = TRY(parse_target(target));
    const std::string mount_point = TRY(find_mount_point(parsed.source()));
    return mount_point == "/" ? parsed.path : mount_point + parsed.path;
}

DumpStore find_dump_store(const Config& config) {
    DumpStore store;
    for (const std::string& target : config.targets) {
        auto folder = find_dump_folder(target);
        if (!folder)
            store.missing.push_back(std::format("target '{}': {}", target, folder.error().text));
        else if (!std::ranges::contains(store.folders, *folder))
            store.folders.push_back(*std::move(folder));
    }
    return store;
}

Result<std::vector<KeptDump>> list_kept_dumps(const std::vector<std::string>& folders) {
    std::vector<KeptDump> kept;
    for (const std::string& folder : folders) {
        auto dumps = list_dumps(folder);
        if (!dumps && dumps.error().os_error == ENOENT)
            continue;
        for (StoredDump& dump : TRY(std::move(dumps)))
            kept.push_back({folder, std::move(dump)});
    }
    std::ranges::stable_sort(kept, {}, [](const KeptDump& each) { return each.dump.crash_time_s; });
    return kept;
}

} // namespace lifeboat::host
