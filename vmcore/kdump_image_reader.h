// SPDX-License-Identifier: GPL-2.0-or-later
// Finds and decompresses pages of a kdump-compressed dump, of which it keeps the last few.
#pragma once

#include "vmcore/file_windows.h"
#include "vmcore/kdump_image.h"
#include "vmcore/page_decompressor.h"
#include "vmcore/page_ranks.h"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace lifeboat {

class KdumpImageReader final : public CoreImageReader {
public:
    explicit KdumpImageReader(const KdumpImage& image)
        : image_(image)
        , windows_(image.facts().windowed())
        , ranks_(image.ranks()) {}

    Result<std::span<const std::byte>> view(std::uint64_t physical, std::uint64_t at_most) override;
    Result<std::span<const std::byte>> view_page(std::uint64_t pfn) override;
    Result<> peek(std::uint64_t physical, std::span<std::byte> bytes) override;

private:
    // A batch of the pipeline, which looks at its 64 pages twice, and a few more.
    static constexpr std::size_t pages_kept = 72;

    struct Page {
        static constexpr std::uint64_t none = UINT64_MAX;
        std::uint64_t pfn = none;
        std::uint64_t used_at = 0;
        std::vector<std::byte> bytes; // empty until it is first used
    };

    Result<KdumpPageDescriptor> find_descriptor(std::uint64_t pfn);
    Result<> load(std::uint64_t pfn, std::span<std::byte> page);
    Result<std::span<const std::byte>> stored_data(const KdumpPageDescriptor& descriptor);

    const KdumpImage& image_;
    FileWindows windows_;
    PageRankFinder ranks_;
    PageDecompressor decompressor_;
    std::array<Page, pages_kept> pages_;
    std::uint64_t clock_ = 0;
    std::vector<std::byte> joined_; // data that lies in two windows
};

} // namespace lifeboat
