// SPDX-License-Identifier: GPL-2.0-or-later
// A file, folder, link or device in an archive, and its content.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <sys/types.h>

namespace lifeboat::host {

struct CpioEntry {
    std::string path; // as it stands in the archive, with "./" or "/" in front where it has that
    mode_t mode = 0;  // with the type
    uid_t owner = 0;
    gid_t group = 0;
    std::uint64_t links = 1;
    std::uint64_t content_bytes = 0; // of a link the length of its target
    std::int64_t modified_seconds = 0;
    unsigned device_major = 0;
    unsigned device_minor = 0;
    std::string link_target; // of a symbolic link
    std::string
        hard_link_to; // the path of an earlier entry that is the same file; it has this one's content too
};

// The content of the entry that is looked at. What is not read is passed over.
class EntryContent {
public:
    virtual ~EntryContent() = default;
    // Fills `output` or less of it; 0 at the end.
    virtual Result<std::size_t> read(std::span<std::byte> output) = 0;
};

// Without "/" and "./" in front and without a slash behind; "." is "".
std::string_view plain_path(std::string_view path);

} // namespace lifeboat::host
