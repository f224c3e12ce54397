// SPDX-License-Identifier: GPL-2.0-or-later
// Looking at a page's bytes. Pages are multiples of 64 bytes, as all page sizes are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace lifeboat {

bool is_zero_page(std::span<const std::byte> page);

// Both of one size.
bool is_same_page(std::span<const std::byte> one, std::span<const std::byte> other);

// Different for most pages that differ, and quick; whoever chooses a page's content can make it collide.
std::uint64_t page_checksum(std::span<const std::byte> page);

} // namespace lifeboat
