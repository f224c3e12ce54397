// SPDX-License-Identifier: GPL-2.0-or-later
// What the packed kernels need, as `pack` has noted it.
#pragma once

#include "stages/system_paths.h"

#include <cstdint>

namespace lifeboat::host {

// The most that one of them needs, in bytes, in a reservation within one section: the boot menu has one
// crashkernel= for all. 0: none is packed, or none has noted it.
std::uint64_t largest_packed_need(const SystemPaths& paths);

} // namespace lifeboat::host
