// SPDX-License-Identifier: GPL-2.0-or-later
// Looks up physical addresses in an ELF core's segments.
#pragma once

#include "vmcore/elf_image.h"
#include "vmcore/file_windows.h"

#include <cstdint>
#include <span>
#include <vector>

namespace lifeboat {

class ElfImageReader final : public CoreImageReader {
public:
    explicit ElfImageReader(const ElfImage& image)
        : image_(image)
        , windows_(image.facts().windowed()) {}

    Result<std::span<const std::byte>> view(std::uint64_t physical, std::uint64_t at_most) override;
    Result<std::span<const std::byte>> view_page(std::uint64_t pfn) override;
    Result<> peek(std::uint64_t physical, std::span<std::byte> bytes) override;

private:
    struct Place {
        std::uint64_t file_offset;
        std::uint64_t bytes; // to the segment's end
    };
    Result<Place> find(std::uint64_t physical);
    const CoreSegment* find_segment(std::uint64_t physical);
    Result<std::span<const std::byte>> assemble_page(std::uint64_t pfn);

    const ElfImage& image_;
    FileWindows windows_;
    std::size_t last_segment_ = 0;
    std::vector<std::byte> ragged_page_;
};

} // namespace lifeboat
