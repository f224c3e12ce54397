// SPDX-License-Identifier: GPL-2.0-or-later
// Reads a core by physical address, in bounded memory whatever the core's size. One reader for each thread.
#pragma once

#include "base/result.h"
#include "vmcore/core_file.h"
#include "vmcore/core_image.h"

#include <cstdint>
#include <memory>
#include <span>

namespace lifeboat {

class CoreReader {
public:
    // `core` must outlive it.
    explicit CoreReader(const CoreFile& core)
        : reader_(core.image().make_reader()) {}

    // The bytes from `physical`, at least one and at most `at_most`: as many as lie in the file in one piece.
    // The view holds until the third further call with an address elsewhere.
    // Fails with no_data where the core holds nothing.
    Result<std::span<const std::byte>> view(std::uint64_t physical, std::uint64_t at_most) {
        return reader_->view(physical, at_most);
    }
    // Copies; crosses the borders of views.
    Result<> read(std::uint64_t physical, std::span<std::byte> bytes);
    // The same for a little that has nothing near it that will be looked at next. Fails with no_data where it
    // does not lie in the file in one piece.
    Result<> peek(std::uint64_t physical, std::span<std::byte> bytes) {
        return reader_->peek(physical, bytes);
    }
    // The whole page; the view holds as view()'s does. Where the core holds only a part of it (a segment's
    // ragged end), the rest reads as zero.
    Result<std::span<const std::byte>> view_page(std::uint64_t pfn) { return reader_->view_page(pfn); }

private:
    std::unique_ptr<CoreImageReader> reader_;
};

} // namespace lifeboat
