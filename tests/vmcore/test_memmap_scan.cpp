// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/vmcore/written_core.h"
#include "vmcore/memmap_scan.h"

#include <algorithm>

#include <doctest/doctest.h>

using namespace lifeboat;
using namespace lifeboat::tests;

namespace {

// Of several strips of 1 GiB, with a hole, a gigantic page, and what can be doubted in two of them.
constexpr std::string_view machine = R"(
ram 0x1000..0x9fc00
ram 0x100000..0xc0000000
ram 0x140000000..0x188000000 held 0x187000000
page 0x90 buddy order 4
page 0x10000..0x10100 anon
page 0x7fe00 anon order 9
page 0x3fff0..0x40010 lru
page 0x80000 hugetlb order 18
page 0x70000 buddy order 3
struct_page 0x70000 private 60
page 0x150000 buddy order 10
struct_page 0x150000 private 60
page 0x187f00..0x188000 slab
)";

struct Scanned {
    std::vector<std::uint64_t> first_pfns;
    std::uint64_t dumped = 0;
    std::uint64_t left_out = 0;
    std::vector<std::uint64_t> dumped_by_piece;
    DumpSummary summary;
};

Scanned scan(const CoreFile& core, unsigned threads) {
    Scanned result;
    MemmapScan scan = MemmapScan::open(core, 31, threads, result.summary.doubts);
    REQUIRE(scan.run([&](const ScannedPiece& piece) -> Result<> {
        result.first_pfns.push_back(piece.present.first_pfn());
        result.dumped_by_piece.push_back(piece.dumped.count());
        result.dumped += piece.dumped.count();
        result.left_out += piece.left_out_pages;
        return {};
    }));
    scan.add_to(result.summary);
    return result;
}

} // namespace

TEST_CASE("any number of threads judges alike, in order") {
    const WrittenCore written(machine);
    const CoreFile core = written.open();
    const Scanned alone = scan(core, 1);
    CHECK(std::ranges::is_sorted(alone.first_pfns));
    CHECK(alone.left_out == 0x1000);
    CHECK(alone.summary.pages(PageClass::user) == 0x100 + 0x200 + (1 << 18));
    CHECK(alone.summary.pages(PageClass::cache) == 0x20);
    REQUIRE(alone.summary.doubts.size() == 1);
    CHECK(
        alone.summary.doubts[0] ==
        "2 pages (first: pfn 0x70000) are said to begin a free block of a size that cannot be, keeping them");
    for (const unsigned threads : {2U, 3U, 16U}) {
        const Scanned together = scan(core, threads);
        CHECK(together.first_pfns == alone.first_pfns);
        CHECK(together.dumped_by_piece == alone.dumped_by_piece);
        CHECK(together.left_out == alone.left_out);
        CHECK(together.summary.pages_by_class == alone.summary.pages_by_class);
        CHECK(together.summary.doubts == alone.summary.doubts);
    }
}

TEST_CASE("the scan ends where its taker fails") {
    const WrittenCore written(machine);
    const CoreFile core = written.open();
    for (const unsigned threads : {1U, 2U}) {
        std::vector<std::string> doubts;
        MemmapScan scan = MemmapScan::open(core, 31, threads, doubts);
        int taken = 0;
        const auto done = scan.run([&](const ScannedPiece&) -> Result<> {
            return ++taken == 3 ? Result<>(fail(ErrorKind::no_space, "full")) : Result<>{};
        });
        REQUIRE_FALSE(done);
        CHECK(done.error().text == "full");
        CHECK(taken == 3);
    }
}
