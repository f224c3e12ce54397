// SPDX-License-Identifier: GPL-2.0-or-later
// A core's pages by what the core says of them, a piece of pfns at a time: how everybody walks through one.
#pragma once

#include "vmcore/bitmap_piece.h"
#include "vmcore/core_file.h"

#include <cstdint>

namespace lifeboat {

struct CorePiece {
    BitmapPiece present;
    BitmapPiece left_out;
    BitmapPiece held;

    // For the pfns from `first_pfn`, a multiple of BitmapPiece::pages. As CoreFile::mark_pages().
    Result<> load(const CoreFile& core, std::uint64_t first_pfn) {
        present.reset(first_pfn);
        left_out.reset(first_pfn);
        held.reset(first_pfn);
        return core.mark_pages(present, left_out, held);
    }
};

} // namespace lifeboat
