// SPDX-License-Identifier: GPL-2.0-or-later
// Tells whether a core or a dump is whole: its structure, every page's data, and the digests where lifeboat
// wrote it.
#pragma once

#include "base/result.h"
#include "vmcore/dump.h"

#include <cstdint>
#include <string>
#include <vector>

namespace lifeboat {

struct DumpVerdict {
    enum class State : std::uint8_t {
        whole,
        incomplete, // it says so itself, or it ends too early; what stands is sound
        damaged,
    };
    enum class Digests : std::uint8_t {
        absent, // another program wrote it, or it is incomplete
        right,
        wrong,
    };

    State state = State::whole;
    Digests digests = Digests::absent;
    std::uint64_t pages = 0; // that were read
    // What is not as it should be, one sentence each; none of a whole one.
    std::vector<std::string> findings;
};

// Reads all of the file, in bounded memory. Fails when it cannot be read, or is neither core nor dump.
Result<DumpVerdict> verify_dump(const std::string& path, const ProgressReport& report);

} // namespace lifeboat
