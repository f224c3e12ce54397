// SPDX-License-Identifier: GPL-2.0-or-later
// The boot's last line, for people and machines: `summary result=... key=value ...`. docs/formats.md has the
// keys.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lifeboat {

enum class DumpResult : std::uint8_t {
    saved,      // vmcore has its final name and is on disk
    partial,    // the same, but pages that belong in it could not be read
    incomplete, // vmcore.incomplete holds some of the pages
    dmesg_only, // vmcore-dmesg.txt is complete and on disk, nothing of the memory is
    failed,     // none of these
};

struct DumpCounts {
    // Counts that the stages told, in the order they are printed; those not told are 0.
    static constexpr std::string_view count_names[] = {
        "bytes",         "dmesg_bytes", "pages", "dumped",   "zero",    "identical",  "kept",  "cache",
        "cache_private", "user",        "free",  "hwpoison", "offline", "unreadable", "doubts"};
    std::uint64_t counts[std::size(count_names)] = {};

    void set_count(std::string_view name, std::uint64_t value);
    [[nodiscard]] std::uint64_t count(std::string_view name) const; // 0 for a name that is not known
};

struct Summary : DumpCounts {
    DumpResult result = DumpResult::failed;
    std::string failed_stage; // the first that failed, empty when none did
    unsigned level = 0;       // the dump's
    unsigned asked_level = 0; // the plan's
    std::string last_error;   // kind, stage and text of the last failure, empty when there was none
    std::string target;       // the one that took it, empty when none did
    unsigned attempts = 0;    // how often the kernel log or the vmcore was tried to be saved
    std::string folder;       // as on the target's file system; empty when there is none
    std::int64_t total_ms = 0;
    std::vector<std::pair<std::string, std::int64_t>> stages_ms;
    std::uint64_t peak_kib = 0;
    std::uint64_t mem_available_min_kib = 0;
    std::uint64_t mem_total_kib = 0;

    // Adds to what is told of that stage already.
    void add_stage_ms(std::string_view stage, std::int64_t ms);
    [[nodiscard]] std::string line() const;
};

} // namespace lifeboat
