// SPDX-License-Identifier: GPL-2.0-or-later
// At which virtual addresses the dead kernel had its physical memory: what an ELF core's program headers say
// besides the physical ones, and what gdb goes by.
#pragma once

#include "vmcore/address_space.h"
#include "vmcore/core_file.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lifeboat {

class VirtualLayout {
public:
    // As an ELF core's segments have it; of a dump, which has none, by the kernel's page tables. Where
    // neither tells, addresses are 0 and `remarks` says so.
    static VirtualLayout of(const CoreFile& core, std::vector<std::string>& remarks);

    // In the direct map.
    [[nodiscard]] std::uint64_t virtual_address(std::uint64_t physical) const;
    // Up to there, not included, addresses go on as at `physical`.
    [[nodiscard]] std::uint64_t end_of_piece(std::uint64_t physical) const;
    // The kernel's mapping of itself, which exists besides; nothing where the page tables do not tell.
    [[nodiscard]] const std::optional<AddressRange>& kernel_image() const { return kernel_image_; }

private:
    struct Piece {
        std::uint64_t physical_start; // up to the next piece's
        std::uint64_t offset;         // to be added
    };
    [[nodiscard]] const Piece* find(std::uint64_t physical) const;

    std::vector<Piece> pieces_; // by address
    std::optional<AddressRange> kernel_image_;
};

} // namespace lifeboat
