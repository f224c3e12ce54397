// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/vmcore/colliding_pages.h"
#include "vmcore/page_content.h"

#include <set>
#include <vector>

#include <doctest/doctest.h>

using namespace lifeboat;
using lifeboat::tests::colliding_page;

TEST_CASE("a page is zero when every byte is") {
    std::vector<std::byte> page(4096);
    CHECK(is_zero_page(page));
    for (std::size_t at = 0; at < page.size(); ++at) {
        page[at] = std::byte{0x80};
        CHECK_FALSE(is_zero_page(page));
        page[at] = std::byte{0};
    }
    page.assign(4096, std::byte{0xff});
    CHECK_FALSE(is_zero_page(page));
}

TEST_CASE("pages are the same when every byte is") {
    std::vector<std::byte> one(4096, std::byte{7});
    const std::vector<std::byte> other = one;
    CHECK(is_same_page(one, other));
    for (std::size_t at = 0; at < one.size(); ++at) {
        one[at] = std::byte{6};
        CHECK_FALSE(is_same_page(one, other));
        one[at] = std::byte{7};
    }
}

TEST_CASE("the checksum depends on what stands where") {
    std::vector<std::byte> page(4096);
    std::set<std::uint64_t> seen{page_checksum(page)};
    for (std::size_t at = 0; at < page.size(); ++at) {
        page[at] = std::byte{1};
        CHECK(seen.insert(page_checksum(page)).second);
        page[at] = std::byte{0};
    }
    CHECK(page_checksum(page) == page_checksum(std::vector<std::byte>(4096)));
}

TEST_CASE("pages can be made to collide") {
    const auto one = colliding_page(0);
    const auto other = colliding_page(1);
    CHECK_FALSE(is_same_page(one, other));
    CHECK(page_checksum(one) == page_checksum(other));
}
