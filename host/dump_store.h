// SPDX-License-Identifier: GPL-2.0-or-later
// Where the dumps of this machine are, as far as its own file systems have them.
#pragma once

#include "base/result.h"
#include "host/config.h"
#include "stages/system_paths.h"

#include <string>
#include <string_view>
#include <vector>

namespace lifeboat::host {

// The folders of all targets (host/machine/target_place.h); those that cannot be had are named in `missing`,
// one sentence each. A folder that does not exist is no error: the crash kernel makes it.
struct DumpStore {
    std::vector<std::string> folders;
    std::vector<std::string> missing;
};
DumpStore find_dump_store(const SystemPaths& paths, const Config& config);

// A dump and where it stands.
struct KeptDump {
    std::string folder;
    StoredDump dump;

    [[nodiscard]] std::string path() const { return folder + '/' + dump.name; }
};

// Of all the folders, oldest first; a folder that is not there has none.
Result<std::vector<KeptDump>> list_kept_dumps(const std::vector<std::string>& folders);
// What is named like a dump in them and is left alone: whole paths.
std::vector<ForeignDump> list_foreign_dumps(const std::vector<std::string>& folders);

} // namespace lifeboat::host
