// SPDX-License-Identifier: GPL-2.0-or-later
// A part of a dump's bitmap: one bit for each page of a range of pfns, lowest bit of the lowest byte first,
// which is the order of the file. Pieces are all of one size, so that memory does not grow with the
// machine's.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace lifeboat {

class BitmapPiece {
public:
    static constexpr std::uint64_t pages = 32768; // 4 KiB of bits; 128 MiB of memory with 4 KiB pages

    // Cleared, for the pfns from `first_pfn`, a multiple of `pages`.
    void reset(std::uint64_t first_pfn) {
        first_pfn_ = first_pfn;
        words_.fill(0);
    }

    [[nodiscard]] std::uint64_t first_pfn() const { return first_pfn_; }
    [[nodiscard]] std::uint64_t end_pfn() const { return first_pfn_ + pages; }
    [[nodiscard]] std::span<std::byte> bytes() { return std::as_writable_bytes(std::span(words_)); }
    [[nodiscard]] std::span<const std::byte> bytes() const { return std::as_bytes(std::span(words_)); }

    // For these a range may reach out of the piece on either side: the part inside is meant.
    void set(std::uint64_t first, std::uint64_t end) {
        for_each_word(first, end, [&](std::uint64_t& word, std::uint64_t mask) { word |= mask; });
    }
    void clear(std::uint64_t first, std::uint64_t end) {
        for_each_word(first, end, [&](std::uint64_t& word, std::uint64_t mask) { word &= ~mask; });
    }
    // Takes out what is not in `other`, a piece of the same pfns.
    void keep_only(const BitmapPiece& other) {
        for (std::size_t i = 0; i < words_.size(); ++i)
            words_[i] &= other.words_[i];
    }
    // Takes out what is in `other`, a piece of the same pfns.
    void take_out(const BitmapPiece& other) {
        for (std::size_t i = 0; i < words_.size(); ++i)
            words_[i] &= ~other.words_[i];
    }
    [[nodiscard]] std::uint64_t count(std::uint64_t first, std::uint64_t end) const {
        std::uint64_t total = 0;
        const_cast<BitmapPiece*>(this)->for_each_word(
            first, end, [&](std::uint64_t& word, std::uint64_t mask) {
                total += static_cast<unsigned>(std::popcount(word & mask));
            });
        return total;
    }
    [[nodiscard]] std::uint64_t count() const { return count(first_pfn_, end_pfn()); }

    // The first set pfn that is not below `from`, or end_pfn().
    [[nodiscard]] std::uint64_t next_set(std::uint64_t from) const {
        std::uint64_t bit = std::max(from, first_pfn_) - first_pfn_;
        for (; bit < pages; bit = bit / 64 * 64 + 64)
            if (const std::uint64_t rest = words_[bit / 64] >> bit % 64; rest != 0)
                return first_pfn_ + bit + static_cast<unsigned>(std::countr_zero(rest));
        return end_pfn();
    }

    // The first clear pfn that is not below `from`, or end_pfn().
    [[nodiscard]] std::uint64_t next_clear(std::uint64_t from) const {
        std::uint64_t bit = std::max(from, first_pfn_) - first_pfn_;
        for (; bit < pages; bit = bit / 64 * 64 + 64)
            if (const std::uint64_t rest = ~words_[bit / 64] >> bit % 64; rest != 0)
                return first_pfn_ + bit + static_cast<unsigned>(std::countr_zero(rest));
        return end_pfn();
    }

private:
    template <class Action>
    void for_each_word(std::uint64_t first, std::uint64_t end, Action action) {
        first = std::max(first, first_pfn_);
        end = std::min(end, end_pfn());
        if (first >= end)
            return;
        std::uint64_t bit = first - first_pfn_;
        const std::uint64_t end_bit = end - first_pfn_;
        while (bit < end_bit) {
            const std::uint64_t stop = std::min(end_bit, bit / 64 * 64 + 64);
            const std::uint64_t width = stop - bit;
            const std::uint64_t mask =
                width == 64 ? ~std::uint64_t{0} : ((std::uint64_t{1} << width) - 1) << bit % 64;
            action(words_[bit / 64], mask);
            bit = stop;
        }
    }

    static_assert(std::endian::native == std::endian::little, "words are stored as they are in memory");
    std::uint64_t first_pfn_ = 0;
    std::array<std::uint64_t, pages / 64> words_{};
};

} // namespace lifeboat
