// SPDX-License-Identifier: GPL-2.0-or-later
// A bitmap in a dump: a bit for each page, read piece by piece.
#pragma once

#include "base/result.h"
#include "vmcore/bitmap_piece.h"
#include "vmcore/file_windows.h"

#include <algorithm>
#include <cstdint>

namespace lifeboat {

struct KdumpBitmap {
    std::uint64_t offset;  // in the file
    std::uint64_t end_pfn; // bits from there on mean nothing

    // The pages from `first_pfn`, a multiple of BitmapPiece::pages.
    Result<> read(FileWindows& file, std::uint64_t first_pfn, BitmapPiece& piece) const {
        piece.reset(first_pfn);
        if (first_pfn >= end_pfn)
            return {};
        const std::uint64_t bytes =
            std::min<std::uint64_t>(piece.bytes().size(), (end_pfn - first_pfn + 7) / 8);
        TRY(file.read(offset + first_pfn / 8, piece.bytes().first(bytes)));
        piece.clear(end_pfn, piece.end_pfn());
        return {};
    }
};

} // namespace lifeboat
