// SPDX-License-Identifier: GPL-2.0-or-later
// How many threads and how large a table a dump may have on this machine: fewer where memory is short. The
// dump itself has to fit, whatever the size of the dead machine's memory.
#pragma once

#include "vmcore/dump.h"

#include <cstdint>

namespace lifeboat {

// What this machine has: CPUs that are up, and MemAvailable.
struct DumpMachine {
    unsigned cpus = 1;
    std::uint64_t available_bytes = 0; // 0: not known, and then taken for little
    static DumpMachine here();
};

// `options` with threads and table set for the machine. Threads that are asked for (not 0) are an upper
// bound. At most half of what is available is used, and never less than one thread needs.
DumpOptions fit_to_machine(DumpOptions options, const DumpMachine& machine);

} // namespace lifeboat
