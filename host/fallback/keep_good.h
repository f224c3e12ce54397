// SPDX-License-Identifier: GPL-2.0-or-later
// Keeps the kernel, initrd and command line that this machine has booted with.
#pragma once

#include "base/result.h"
#include "host/fallback/booted_files.h"
#include "host/fallback/good_store.h"

#include <cstdint>
#include <string>
#include <vector>

namespace lifeboat::host {

struct KeepRequest {
    SystemPaths paths;
    BootedFiles booted;
    std::size_t generations = 3;
    std::int64_t now_s = 0;
};

struct Kept {
    enum class What : std::uint8_t {
        nothing,      // these very files are kept already
        command_line, // and only the command line was another one
        generation,
    } what = What::nothing;
    Generation generation;
    std::vector<std::string> dropped; // the names of those that were beyond the bound
    std::vector<std::string> notes;   // one sentence each: what is not as it is meant to be
};

// Fails, and leaves all that is kept as it is, where the files are not those that were booted (no_data) or
// where there is neither room for a copy nor a way to link (no_space, system).
Result<Kept> keep_good(const KeepRequest& request);

} // namespace lifeboat::host
