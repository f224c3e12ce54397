// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/virtual_layout.h"

#include "vmcore/core_reader.h"

#include <algorithm>

namespace lifeboat {

VirtualLayout VirtualLayout::of(const CoreFile& core, std::vector<std::string>& remarks) {
    VirtualLayout layout;
    for (const CoreSegment& segment : core.segments()) {
        const std::uint64_t offset = segment.virtual_address - segment.physical_address;
        if (layout.pieces_.empty() || layout.pieces_.back().offset != offset)
            layout.pieces_.push_back({segment.physical_address, offset});
    }
    const auto space = make_address_space(core);
    CoreReader reader(core);
    if (layout.pieces_.empty() && space)
        if (const auto direct_map = (*space)->find_direct_map(reader))
            layout.pieces_.push_back({0, *direct_map});
    if (space)
        if (const auto image = (*space)->find_kernel_image(reader))
            layout.kernel_image_ = *image;
    if (layout.pieces_.empty())
        remarks.emplace_back("where the kernel has its memory mapped cannot be found, leaving virtual "
                             "addresses out of the program headers");
    return layout;
}

const VirtualLayout::Piece* VirtualLayout::find(std::uint64_t physical) const {
    const auto after = std::ranges::upper_bound(pieces_, physical, {}, &Piece::physical_start);
    return after == pieces_.begin() ? nullptr : &*(after - 1);
}

std::uint64_t VirtualLayout::virtual_address(std::uint64_t physical) const {
    const Piece* piece = find(physical);
    return piece == nullptr ? 0 : physical + piece->offset;
}

std::uint64_t VirtualLayout::end_of_piece(std::uint64_t physical) const {
    const auto after = std::ranges::upper_bound(pieces_, physical, {}, &Piece::physical_start);
    return after == pieces_.end() ? UINT64_MAX : after->physical_start;
}

} // namespace lifeboat
