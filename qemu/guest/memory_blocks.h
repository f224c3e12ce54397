// SPDX-License-Identifier: GPL-2.0-or-later
// Memory in blocks, as sysfs has it: a DIMM that comes while the machine runs, and a block taken out of use.
#pragma once

#include <cstddef>

namespace guest {

// Asks the harness for a DIMM of that size, waits for it, and takes its blocks into use: every second one for
// movable pages only.
void plug_dimm(std::size_t mebibytes);

// Takes one of the DIMM's movable blocks out of use again. Pages in use move elsewhere first.
void offline_block();

} // namespace guest
