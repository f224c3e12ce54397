// SPDX-License-Identifier: GPL-2.0-or-later
// File systems, and what stands where one should be, that no dump can be written to, each with what to do.
#pragma once

#include <optional>
#include <string_view>

namespace lifeboat::host {

struct UnfitReason {
    std::string_view what; // "is in memory"
    std::string_view remedy;
};

// By a mounted file system's type; nothing where it can be used if it is on a block device.
std::optional<UnfitReason> why_unfit_mounted(std::string_view type);

// By what libblkid finds on a device; nothing where it may be a file system.
std::optional<UnfitReason> why_unfit_content(std::string_view type);

} // namespace lifeboat::host
