// SPDX-License-Identifier: GPL-2.0-or-later
// The headers of a kdump-compressed file, read and checked, and where they say that the file's parts are.
#pragma once

#include "base/result.h"
#include "vmcore/kdump_bitmap.h"
#include "vmcore/kdump_format.h"

#include <cstdint>
#include <string>

namespace lifeboat {

struct KdumpHeaders {
    KdumpHeader header;        // the names in utsname end with a zero byte
    KdumpSubHeader sub_header; // what the version does not have yet is zero
    std::uint64_t block_bytes;
    std::uint64_t end_pfn;
    KdumpBitmap present; // bitmap 1
    KdumpBitmap dumped;  // bitmap 2
    std::uint64_t descriptors_offset;

    [[nodiscard]] bool is_incomplete() const { return (header.status & kdump_incomplete) != 0; }

    // Versions 1 to 6. Fails with corrupt where the headers cannot be true, with no_data where the file ends
    // before the bitmaps do, with unsupported for what other readers cannot open in one piece either (a split
    // dump) and for pages compressed with snappy.
    static Result<KdumpHeaders> read(int fd, std::uint64_t file_bytes, const std::string& path);
};

// Whether the page's data can be where the descriptor says. Fails with no_data for a page that was lost, with
// corrupt otherwise.
Result<> check_descriptor(const KdumpPageDescriptor& descriptor, const KdumpHeaders& headers,
                          std::uint64_t file_bytes);

} // namespace lifeboat
