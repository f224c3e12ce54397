// SPDX-License-Identifier: GPL-2.0-or-later
// Where the dumps of this machine are, as far as its own file systems have them.
#pragma once

#include "base/result.h"
#include "host/config.h"

#include <string>
#include <string_view>
#include <vector>

namespace lifeboat::host {

// A target of the configuration as a folder of this machine: a path as it is, another form by where its file
// system is mounted. no_data: it is not mounted, or not with all of it visible.
Result<std::string> find_dump_folder(std::string_view target);

// The folders of all targets; those that cannot be had are named in `missing`, one sentence each. A folder
// that does not exist is no error: the crash kernel makes it.
struct DumpStore {
    std::vector<std::string> folders;
    std::vector<std::string> missing;
};
DumpStore find_dump_store(const Config& config);

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
