// SPDX-License-Identifier: GPL-2.0-or-later
// /etc/lifeboat.conf: what the administrator decides. Few keys, each with a default that works;
// docs/lifeboat.conf.5 has them. Lines `key = value`, `#` at a line's start for comments; of a key that is
// given twice the later line counts, except for the lists `target` and `module`.
//
// Unlike a plan, which must never keep a dump from being made, a configuration that cannot be used is
// refused: there is somebody to tell.
#pragma once

#include "stages/plan.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lifeboat::host {

inline constexpr const char* default_config_path = "/etc/lifeboat.conf";

// Which dumps `lifeboat prune` leaves; 0: no limit of that kind. The newest always stays.
struct Retention {
    std::uint64_t count = 5;
    std::uint64_t days = 0;
    std::uint64_t bytes = 0;
};

struct Config {
    // As they are written: a folder of this machine, or `SOURCE FOLDER [TYPE] [OPTIONS]` as in a plan.
    std::vector<std::string> targets; // never empty when read
    Plan plan;                        // without targets and modules: these are worked out from the others
    std::vector<std::string> modules; // names, with parameters: loaded besides what the target needs
    std::string command_line;         // more words for the crash kernel; they win
    unsigned cpus = 0;                // how many the crash kernel brings up; 0: as many as pay
    Retention keep;

    // The error names the line. Never fails for what is missing.
    static Result<Config> parse(std::string_view text);
};

// A file that is not there has the defaults.
Result<Config> read_config(const std::string& path = default_config_path);

// "500M", "2G": bytes, with K, M, G or T of 1,024.
Result<std::uint64_t> parse_size(std::string_view text);

} // namespace lifeboat::host
