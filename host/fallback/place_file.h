// SPDX-License-Identifier: GPL-2.0-or-later
// A second name for a file's content: as a reflink, a hard link or a copy, whichever the file system has and
// has room for.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace lifeboat::host {

enum class StoredBy : std::uint8_t {
    reflink, // shares the data until one of the two is written to. Source: ioctl_ficlone(2)
    link,    // is the same file: what is written into the one is in the other
    copy,
};
std::string_view name_of(StoredBy way);
// corrupt: none of these.
Result<StoredBy> parse_stored_by(std::string_view text);

struct PlaceRequest {
    std::string from;
    std::string to; // what has that name goes
    // In the order in which they are tried.
    std::span<const StoredBy> ways;
    // What a copy leaves free for others than root, in bytes; where it would not, it is not begun.
    std::uint64_t reserve_bytes = 0;
};

// The way that was possible. The content is on disk then, with the permissions of `from`; the folder is the
// caller's to sync. Fails with the error of the last way; nothing of `to` is left.
Result<StoredBy> place_file(const PlaceRequest& request);

} // namespace lifeboat::host
