// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/identical_pages.h"

#include <doctest/doctest.h>

using namespace lifeboat;

TEST_CASE("the first page of a content has its slot, the others are told which it was") {
    IdenticalPages pages(16);
    const auto first = pages.look_up(0x1234, 10);
    CHECK_FALSE(first.original_pfn);
    pages.set_place(first.slot, {4096, 100, 0x20});
    for (const std::uint64_t pfn : {11, 12, 500}) {
        const auto again = pages.look_up(0x1234, pfn);
        CHECK(again.original_pfn == 10);
        CHECK(again.slot == first.slot);
        CHECK(pages.place(again.slot).offset == 4096);
    }
    const auto other = pages.look_up(0x1235, 13);
    CHECK_FALSE(other.original_pfn);
    CHECK(other.slot != first.slot);
}

TEST_CASE("what was not met for longest is forgotten, and its slot is another's") {
    IdenticalPages pages(4); // one place
    for (std::uint64_t checksum = 1; checksum <= 4; ++checksum)
        CHECK_FALSE(pages.look_up(checksum, checksum).original_pfn);
    const auto oldest = pages.look_up(1, 100); // now the second is
    CHECK(oldest.original_pfn == 1);
    CHECK_FALSE(pages.look_up(5, 5).original_pfn);
    CHECK(pages.look_up(1, 101).original_pfn == 1);
    CHECK_FALSE(pages.look_up(2, 2).original_pfn);
}

TEST_CASE("a checksum of zero is a checksum") {
    IdenticalPages pages(4);
    CHECK_FALSE(pages.look_up(0, 7).original_pfn);
    CHECK(pages.look_up(0, 8).original_pfn == 7);
}

TEST_CASE("the second party sees a slot as the first saw it") {
    IdenticalPages pages(4);
    const auto first = pages.look_up(1, 1);
    const auto match = pages.look_up(1, 2);
    // The first party goes on, and the slot becomes another's, before the second has written anything.
    std::uint32_t reused = first.slot + 1;
    for (std::uint64_t checksum = 2; checksum <= 5; ++checksum)
        reused = pages.look_up(checksum, checksum).slot;
    REQUIRE(reused == first.slot);
    pages.set_place(first.slot, {1000, 1, 0});
    CHECK(pages.place(match.slot).offset == 1000);
    pages.set_place(reused, {2000, 1, 0});
}
