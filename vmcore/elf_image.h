// SPDX-License-Identifier: GPL-2.0-or-later
// Memory as an ELF64 core holds it: /proc/vmcore, a raw copy of it, or a filtered core, whose segments name
// more memory than they hold.
// Source: Linux fs/proc/vmcore.c (merged PT_NOTE, page-rounded PT_LOADs), System V ABI gABI chapter 5;
// makedumpfile -E for filtered ones.
#pragma once

#include "vmcore/core_image.h"

#include <memory>
#include <span>
#include <vector>

namespace lifeboat {

class ElfImage final : public CoreImage {
public:
    static Result<std::unique_ptr<ElfImage>> open(CoreFacts facts);

    [[nodiscard]] std::uint64_t end_pfn() const override;
    // By physical address, not overlapping.
    [[nodiscard]] std::span<const CoreSegment> segments() const override { return segments_; }
    Result<> mark_pages(BitmapPiece& present, BitmapPiece& left_out, BitmapPiece& held) const override;
    [[nodiscard]] std::unique_ptr<CoreImageReader> make_reader() const override;

private:
    ElfImage(CoreFacts facts, std::vector<CoreSegment> segments)
        : CoreImage(std::move(facts))
        , segments_(std::move(segments)) {}

    std::vector<CoreSegment> segments_;
};

} // namespace lifeboat
