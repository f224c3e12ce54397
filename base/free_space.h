// SPDX-License-Identifier: GPL-2.0-or-later
// The room that a file system has left. Source: statvfs(3).
#pragma once

#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>

namespace lifeboat {

// In bytes. A part is often kept for root: a twentieth on ext4, unless mke2fs was told otherwise.
struct FreeSpace {
    std::uint64_t for_root_bytes = 0;
    std::uint64_t for_others_bytes = 0;
    // That can still be made; nothing where there is no such limit (btrfs, vfat).
    std::optional<std::uint64_t> files;
    [[nodiscard]] std::uint64_t for_this_process_bytes() const;
};

// `path`: a file or folder on the file system, or what the error calls `fd`.
Result<FreeSpace> free_space_of(const std::string& path);
Result<FreeSpace> free_space_of(int fd, const std::string& path);

} // namespace lifeboat
