// SPDX-License-Identifier: GPL-2.0-or-later
// Entries of the Boot Loader Specification, where this machine's boot loader reads such: a file for each in
// /boot/loader/entries or the like. Source: UAPI.1 Boot Loader Specification, type #1.
#pragma once

#include "base/result.h"
#include "host/fallback/boot_entries.h"

#include <string>
#include <vector>

namespace lifeboat::host {

struct LoaderEntries {
    std::vector<std::string> changed; // files that were written or removed
    std::vector<std::string> notes;   // one sentence each: folders in which there can be none
};

// Writes what is new or changed, each file aside and renamed, and removes lifeboat's that are no longer among
// `entries`. `command_line` is for those that have none of their own.
Result<LoaderEntries> write_loader_entries(const SystemPaths& paths, const std::vector<BootEntry>& entries,
                                           const std::string& command_line);

} // namespace lifeboat::host
