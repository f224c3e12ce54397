// SPDX-License-Identifier: GPL-2.0-or-later
// Goes through the pages that a kdump-compressed file has, in order, with their descriptors.
#pragma once

#include "base/result.h"
#include "vmcore/bitmap_piece.h"
#include "vmcore/file_windows.h"
#include "vmcore/kdump_headers.h"

#include <cstdint>
#include <optional>

namespace lifeboat {

class KdumpPages {
public:
    // `file` is looked at from one place more: it may be the one that is used for the pages' data.
    KdumpPages(const KdumpHeaders& headers, FileWindows& file)
        : headers_(headers)
        , file_(file) {}

    struct Page {
        std::uint64_t pfn;
        KdumpPageDescriptor descriptor; // not checked
    };
    // Nothing at the end. Fails where the file ends before its descriptors do.
    Result<std::optional<Page>> next();

private:
    const KdumpHeaders& headers_;
    FileWindows& file_;
    BitmapPiece piece_;
    bool has_piece_ = false;
    std::uint64_t next_pfn_ = 0;
    std::uint64_t index_ = 0;
};

} // namespace lifeboat
