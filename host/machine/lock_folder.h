// SPDX-License-Identifier: GPL-2.0-or-later
// One at a time in a folder of lifeboat's own. The lock is a file in it, ".lock", that nobody else can open:
// flock(2) asks for no more than an open file, so a folder that all may read is one that all may lock.
#pragma once

#include "base/descriptor.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace lifeboat::host {

inline constexpr std::string_view lock_file_name = ".lock";
inline constexpr std::int64_t lock_limit_ms = 60'000;

// Held until the descriptor is closed. Waits for whoever has it, and fails with timed_out when that takes
// longer: the text names who it is. The folder must be there; one that others can write to is not locked
// (unsupported).
Result<Descriptor> lock_folder(const std::string& folder, std::int64_t limit_ms = lock_limit_ms);

} // namespace lifeboat::host
