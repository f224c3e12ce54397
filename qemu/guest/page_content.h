// SPDX-License-Identifier: GPL-2.0-or-later
// What the guest's pages hold: pattern, text, random bytes and sparse structures in turn, no two pages alike,
// so that a dump of them compresses about as a real machine's does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace guest {

inline constexpr std::size_t page_bytes = 4096;

// Fills whole pages. "seed" tells one caller's pages from another's.
void fill_pages(std::span<std::byte> memory, std::uint32_t seed);

} // namespace guest
