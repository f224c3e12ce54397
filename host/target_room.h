// SPDX-License-Identifier: GPL-2.0-or-later
// Whether a dump can come to a target, as far as the healthy host can tell: is it there, can it be written
// to, has it room for the kernel log at the least.
#pragma once

#include "host/config.h"
#include "stages/plan.h"
#include "stages/system_paths.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lifeboat::host {

// Less, and nothing of a crash is brought ashore: the kernel log is a few hundred KiB.
inline constexpr std::uint64_t least_room_bytes = std::uint64_t{1} << 20;

struct TargetRoom {
    std::string name;             // "UUID=... /crash", of a plan; else empty
    std::string folder;           // where its dumps are seen on this host; empty: it is not mounted
    std::uint64_t free_bytes = 0; // for root
    std::optional<std::uint64_t> free_files; // FreeSpace::files
    std::string error;                       // not empty: the folder's file system cannot be asked
    std::string trouble; // why no dump can come to it, a sentence that ends in what to do; empty: one can
};

// Of the folder, or of the one above it that is there: the crash kernel makes what is missing.
TargetRoom room_of(const std::string& folder);

// Of each of the plan's targets. `config` is what the administrator wrote: a file system that is mounted
// read-only is no trouble where it is named by itself, and not by a folder on it.
std::vector<TargetRoom> rooms_of(const SystemPaths& paths, const Plan& plan, const Config& config);

} // namespace lifeboat::host
