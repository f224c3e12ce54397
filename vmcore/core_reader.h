// SPDX-License-Identifier: GPL-2.0-or-later
// Reads a core by physical address, through a few mapped windows of fixed size (memory does not grow with the
// core). Where the file cannot be mapped, windows are read instead. One reader for each thread.
#pragma once

#include "base/mapping.h"
#include "base/result.h"
#include "vmcore/core_file.h"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace lifeboat {

class CoreReader {
public:
    explicit CoreReader(const CoreFile& core)
        : core_(&core)
        , mappable_(core.access() == CoreAccess::map) {}

    // The bytes from `physical`, at least one and at most `at_most`: as many as lie in one segment and one
    // window. The view holds until the third further call with an address elsewhere.
    // Fails with no_data where the core holds nothing.
    Result<std::span<const std::byte>> view(std::uint64_t physical, std::uint64_t at_most);
    // Copies; crosses segments and windows.
    Result<> read(std::uint64_t physical, std::span<std::byte> bytes);
    // The whole page. Where the core holds only a part of it (a segment's ragged end), the rest reads as
    // zero.
    Result<std::span<const std::byte>> view_page(std::uint64_t pfn);

private:
    struct Window {
        std::uint64_t file_offset = 0;
        std::span<const std::byte> bytes;
        Mapping mapping; // where it is mapped
        Mapping buffer;  // where it is read
        std::uint64_t used_at = 0;
    };

    const CoreSegment* find_segment(std::uint64_t physical);
    Result<std::span<const std::byte>> view_file(std::uint64_t file_offset, std::uint64_t at_most);
    Result<> fill(Window& window, std::uint64_t file_offset);
    Result<std::span<const std::byte>> assemble_page(std::uint64_t pfn);

    const CoreFile* core_;
    std::size_t last_segment_ = 0;
    std::array<Window, 4> windows_;
    std::size_t last_window_ = 0;
    std::uint64_t clock_ = 0;
    bool mappable_;
    std::vector<std::byte> ragged_page_;
};

} // namespace lifeboat
