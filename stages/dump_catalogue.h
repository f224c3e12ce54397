// SPDX-License-Identifier: GPL-2.0-or-later
// The dumps that stand in a target's folder: which there are, which are to go, and how one goes. Folders that
// are not of dump_folder.h's naming are never looked into. No symbolic link is followed.
//
// Anybody may be able to make a folder of such a name beside the dumps (/var/crash is 3777 on some systems).
// What is not root's own, or can be written to by others, is no evidence: it counts for nothing and is left
// alone, so that it can push no dump out. list_foreign() names it.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lifeboat {

struct StoredDump {
    enum class State : std::uint8_t {
        complete,        // there is a vmcore
        incomplete,      // vmcore.incomplete stands
        kernel_log_only, // of the memory nothing is saved
        empty,           // not even the kernel log
    };

    std::string name;              // of the folder
    std::int64_t crash_time_s = 0; // seconds since 1970
    std::string host;
    State state = State::empty;
    std::uint64_t bytes = 0; // that its files take on the disk
};

// "complete", "incomplete", "log-only", "empty"
std::string_view name_of(StoredDump::State state);

// What dump_folder_name() made, with or without a number behind; nothing when it did not. Of "a-2" it cannot
// be told whether the host is "a" or "a-2": the host is taken as it stands.
std::optional<StoredDump> parse_dump_folder_name(std::string_view name);

// Oldest first. Fails when the folder cannot be read. Root's own; a process that is not root's takes its own
// user's besides.
Result<std::vector<StoredDump>> list_dumps(const std::string& folder);

// Named like a dump, and left alone.
struct ForeignDump {
    std::string name;
    std::string reason; // "belongs to user 1000"
};
Result<std::vector<ForeignDump>> list_foreign(const std::string& folder);

// Which dumps are to stay; 0: no limit of that kind.
struct Retention {
    std::uint64_t count = 0;
    std::uint64_t days = 0;
    std::uint64_t bytes = 0;
};

// Those that go, oldest first, out of dumps that are oldest first. Neither the newest goes nor the newest
// that is complete, whatever the limits.
std::vector<StoredDump> beyond_retention(std::span<const StoredDump> dumps, const Retention& retention,
                                         std::int64_t now_s);

// Takes the folder and its files away: what is half removed is no longer called a dump. Fails, and leaves the
// folder as it was, when it is foreign or has folders within.
Result<> remove_dump(const std::string& folder, const std::string& name);

// What removals that were cut off (the power went, the time was over) have left: the folders' names, for
// finish_removal(). Fails when the folder cannot be read.
Result<std::vector<std::string>> list_half_removed(const std::string& folder);
Result<> finish_removal(const std::string& folder, const std::string& name);

} // namespace lifeboat
