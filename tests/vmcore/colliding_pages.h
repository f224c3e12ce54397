// SPDX-License-Identifier: GPL-2.0-or-later
// Pages that differ and have the same page_checksum(), as somebody may choose them who knows it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace lifeboat::tests {

// In one column of words 1, -2, 1 is added from line `which` on: neither the sum nor the sum of sums changes.
inline std::array<std::byte, 4096> colliding_page(std::size_t which) {
    std::array<std::uint64_t, 512> words;
    words.fill(0x0123456789abcdef);
    words[which * 8] += 1;
    words[(which + 1) * 8] -= 2;
    words[(which + 2) * 8] += 1;
    std::array<std::byte, 4096> page;
    std::memcpy(page.data(), words.data(), page.size());
    return page;
}

} // namespace lifeboat::tests
