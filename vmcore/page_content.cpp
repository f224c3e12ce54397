// SPDX-License-Identifier: GPL-2.0-or-later
// A cache line at a time: the compiler makes vector instructions of it, and most pages differ in their first.
// musl's memcmp goes byte by byte.
#include "vmcore/page_content.h"

#include <array>
#include <bit>
#include <cstring>

namespace lifeboat {

namespace {

using Line = std::array<std::uint64_t, 8>;

Line load_line(std::span<const std::byte> page, std::size_t at) {
    Line line;
    std::memcpy(line.data(), page.data() + at, sizeof(line));
    return line;
}

} // namespace

bool is_zero_page(std::span<const std::byte> page) {
    for (std::size_t at = 0; at < page.size(); at += sizeof(Line)) {
        std::uint64_t any = 0;
        for (const std::uint64_t word : load_line(page, at))
            any |= word;
        if (any != 0)
            return false;
    }
    return true;
}

bool is_same_page(std::span<const std::byte> one, std::span<const std::byte> other) {
    for (std::size_t at = 0; at < one.size(); at += sizeof(Line)) {
        const Line left = load_line(one, at);
        const Line right = load_line(other, at);
        std::uint64_t differing = 0;
        for (std::size_t i = 0; i < left.size(); ++i)
            differing |= left[i] ^ right[i];
        if (differing != 0)
            return false;
    }
    return true;
}

// Fletcher's two sums for each word of a cache line: they depend on where a word stands.
std::uint64_t page_checksum(std::span<const std::byte> page) {
    Line sums{};
    Line sums_of_sums{};
    for (std::size_t at = 0; at < page.size(); at += sizeof(Line)) {
        const Line line = load_line(page, at);
        for (std::size_t i = 0; i < line.size(); ++i) {
            sums[i] += line[i];
            sums_of_sums[i] += sums[i];
        }
    }
    constexpr std::uint64_t golden_ratio = 0x9e3779b97f4a7c15;
    std::uint64_t mixed = 0;
    for (std::size_t i = 0; i < sums.size(); ++i) {
        mixed = (std::rotl(mixed, 23) ^ sums[i]) * golden_ratio;
        mixed = (std::rotl(mixed, 23) ^ sums_of_sums[i]) * golden_ratio;
    }
    return mixed ^ mixed >> 32;
}

} // namespace lifeboat
