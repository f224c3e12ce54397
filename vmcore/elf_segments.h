// SPDX-License-Identifier: GPL-2.0-or-later
// The program headers of a filtered ELF core. A segment is a run of pages that are dumped and, behind it, the
// pages that are left out: p_filesz covers the former, p_memsz both.
//
//     memory   |ddddddxxx|dddxxxxxxxxx|   |xxxx|ddddd|      d dumped, x left out
//     headers  |segment 1|  segment 2 |   |  3 |  4  |
//
// What the kernel's own mapping covers has a second header, with those virtual addresses and the same data:
// that is where gdb looks for it.
#pragma once

#include "base/result.h"
#include "vmcore/bitmap_piece.h"
#include "vmcore/virtual_layout.h"

#include <cstdint>
#include <functional>

#include <elf.h>

namespace lifeboat {

class ElfSegments {
public:
    using Take = std::function<Result<>(const Elf64_Phdr&)>;

    // The dumped pages' data follows without gaps from `data_offset` on. `layout` must outlive it.
    ElfSegments(const VirtualLayout& layout, std::uint64_t page_bytes, std::uint64_t data_offset, Take take)
        : layout_(layout)
        , page_bytes_(page_bytes)
        , offset_(data_offset)
        , take_(std::move(take)) {}

    // Pieces come in ascending order; those without any present page may be left out.
    Result<> add(const BitmapPiece& present, const BitmapPiece& dumped);
    Result<> finish();

private:
    struct Run {
        std::uint64_t first_pfn = 0;
        std::uint64_t dumped_end = 0;
        std::uint64_t end_pfn = 0; // first_pfn: there is none
    };

    Result<> add_pages(std::uint64_t first_pfn, std::uint64_t end_pfn, bool are_dumped);
    Result<> hand_over();
    Result<> hand_over_image_part(const Elf64_Phdr& whole);

    const VirtualLayout& layout_;
    std::uint64_t page_bytes_;
    std::uint64_t offset_;
    Take take_;
    Run run_;
};

} // namespace lifeboat
