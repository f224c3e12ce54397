// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/bitmap_piece.h"

#include <algorithm>
#include <random>
#include <vector>

#include <doctest/doctest.h>

using namespace lifeboat;

namespace {

constexpr std::uint64_t pages = BitmapPiece::pages;

// The slow opinion, over the whole line of pfns that a test uses.
struct Bits {
    std::vector<bool> bits = std::vector<bool>(4 * pages);
    std::uint64_t first_pfn = 0;
    void assign(std::uint64_t first, std::uint64_t end, bool value) {
        for (std::uint64_t pfn = std::max(first, first_pfn); pfn < std::min(end, first_pfn + pages); ++pfn)
            bits[pfn] = value;
    }
    [[nodiscard]] std::uint64_t count(std::uint64_t first, std::uint64_t end) const {
        std::uint64_t total = 0;
        for (std::uint64_t pfn = std::max(first, first_pfn); pfn < std::min(end, first_pfn + pages); ++pfn)
            total += bits[pfn] ? 1 : 0;
        return total;
    }
    [[nodiscard]] std::uint64_t next(std::uint64_t from, bool wanted) const {
        for (std::uint64_t pfn = std::max(from, first_pfn); pfn < first_pfn + pages; ++pfn)
            if (bits[pfn] == wanted)
                return pfn;
        return first_pfn + pages;
    }
};

} // namespace

TEST_CASE("ranges set, cleared, counted and walked as in a vector of bool") {
    std::mt19937_64 random(1);
    for (const std::uint64_t first_pfn : {std::uint64_t{0}, pages, 2 * pages}) {
        BitmapPiece piece;
        Bits bits;
        piece.reset(first_pfn);
        bits.first_pfn = first_pfn;
        for (int step = 0; step < 300; ++step) {
            // Half of the ranges are short; some reach out of the piece.
            const std::uint64_t first = random() % (4 * pages);
            const std::uint64_t end =
                std::min(4 * pages, first + random() % (random() % 2 == 0 ? 200 : 2 * pages));
            if (random() % 2 == 0) {
                piece.set(first, end);
                bits.assign(first, end, true);
            } else {
                piece.clear(first, end);
                bits.assign(first, end, false);
            }
            const std::uint64_t from = random() % (4 * pages);
            REQUIRE(piece.count() == bits.count(0, 4 * pages));
            REQUIRE(piece.count(from, end) == bits.count(from, end));
            REQUIRE(piece.next_set(from) == bits.next(from, true));
            REQUIRE(piece.next_clear(from) == bits.next(from, false));
        }
        for (std::uint64_t pfn = 0; pfn < pages; ++pfn)
            REQUIRE(((piece.bytes()[pfn / 8] >> pfn % 8 & std::byte{1}) != std::byte{0}) ==
                    bits.bits[first_pfn + pfn]);
    }
}

TEST_CASE("borders") {
    BitmapPiece piece;
    piece.reset(pages);
    CHECK(piece.first_pfn() == pages);
    CHECK(piece.end_pfn() == 2 * pages);
    CHECK(piece.bytes().size() == pages / 8);
    CHECK(piece.next_set(0) == 2 * pages);
    CHECK(piece.next_set(UINT64_MAX) == 2 * pages);
    piece.set(0, UINT64_MAX);
    CHECK(piece.count() == pages);
    piece.clear(pages + 1, 2 * pages - 1);
    CHECK(piece.count() == 2);
    CHECK(piece.next_set(pages + 1) == 2 * pages - 1);
    CHECK(piece.next_clear(0) == pages + 1);
    CHECK(piece.next_clear(2 * pages - 1) == 2 * pages);
    piece.set(pages + 5, pages + 5);
    piece.set(pages + 9, pages + 3);
    CHECK(piece.count() == 2);
    BitmapPiece other;
    other.reset(pages);
    other.set(pages, pages + 10);
    piece.keep_only(other);
    CHECK(piece.count() == 1);
    piece.reset(0);
    CHECK(piece.count() == 0);
}
