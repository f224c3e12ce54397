// SPDX-License-Identifier: GPL-2.0-or-later
// /etc/lifeboat.conf: what the administrator decides. Few keys, each with a default that works;
// docs/lifeboat.conf.5 has them. Lines `key = value`, `#` at a line's start for comments; of a key that is
// given twice the later line counts, except for the lists `target` and `module`.
//
// Unlike a plan, which must never keep a dump from being made, a configuration that cannot be used is
// refused: there is somebody to tell.
#pragma once

#include "host/arguments.h"
#include "stages/dump_catalogue.h"
#include "stages/plan.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lifeboat::host {

inline constexpr const char* default_config_path = "/etc/lifeboat.conf";

struct Config {
    // As they are written: a folder of this machine, or `SOURCE FOLDER [TYPE] [OPTIONS]` as in a plan.
    std::vector<std::string> targets; // never empty when read
    Plan plan;                        // without targets and modules: these are worked out from the others
    std::vector<std::string> modules; // names, with parameters: loaded besides what the target needs
    std::string watchdog_module;      // the watchdog's driver; empty: whichever this machine has
    std::string command_line;         // more words for the crash kernel; they win
    unsigned cpus = 0;                // how many the crash kernel brings up; 0: as many as pay
    Retention keep{.count = 5};       // which dumps `lifeboat prune` leaves
    unsigned good_generations = 3;    // of kernels that are known good
    unsigned failed_boots = 0;        // after so many the menu chooses rescue by itself; 0: never

    // The error names the line. Never fails for what is missing.
    static Result<Config> parse(std::string_view text);
};

// A file that is not there has the defaults.
Result<Config> read_config(const std::string& path);
// That of --config, else default_config_path.
Result<Config> read_config(const Arguments& arguments);

// "500M", "2G": bytes, with K, M, G or T of 1,024.
Result<std::uint64_t> parse_size(std::string_view text);

} // namespace lifeboat::host
