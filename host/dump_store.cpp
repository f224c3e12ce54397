// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/dump_store.h"

#include "host/machine/target_place.h"

#include <algorithm>

namespace lifeboat::host {

DumpStore find_dump_store(const SystemPaths& paths, const Config& config) {
    DumpStore store;
    for (const std::string& target : config.targets) {
        auto folder = find_dump_folder(paths, target);
        if (!folder)
            store.missing.push_back(folder.error().text);
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

std::vector<ForeignDump> list_foreign_dumps(const std::vector<std::string>& folders) {
    std::vector<ForeignDump> all;
    for (const std::string& folder : folders)
        for (ForeignDump& foreign : list_foreign(folder).value_or(std::vector<ForeignDump>{}))
            all.push_back({folder + '/' + foreign.name, std::move(foreign.reason)});
    return all;
}

} // namespace lifeboat::host
