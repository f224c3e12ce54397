// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/vmcore/written_core.h"
#include "vmcore/page_filter.h"

#include <algorithm>
#include <format>

#include <doctest/doctest.h>

using namespace lifeboat;
using namespace lifeboat::tests;

namespace {

struct Filtered {
    std::vector<std::uint64_t> pfns;
    DumpSummary summary;
};

Filtered filter(const WrittenCore& written, const CoreFile& core, unsigned level) {
    Filtered result;
    PageFilter filter = PageFilter::open(core, level, result.summary.doubts);
    const std::vector<std::uint64_t> present = written.built.present_pfns();
    for (auto next = present.begin(); next != present.end();) {
        BitmapPiece piece;
        piece.reset(*next / BitmapPiece::pages * BitmapPiece::pages);
        for (; next != present.end() && *next < piece.end_pfn(); ++next)
            piece.set(*next, *next + 1);
        filter.filter(piece);
        for (std::uint64_t pfn = 0; (pfn = piece.next_set(pfn)) < piece.end_pfn(); ++pfn)
            result.pfns.push_back(pfn);
    }
    filter.add_to(result.summary);
    return result;
}

std::string first_difference(const std::vector<std::uint64_t>& found,
                             const std::vector<std::uint64_t>& expected) {
    std::vector<std::uint64_t> extra;
    std::vector<std::uint64_t> missing;
    std::ranges::set_difference(found, expected, std::back_inserter(extra));
    std::ranges::set_difference(expected, found, std::back_inserter(missing));
    if (!extra.empty())
        return std::format("{} kept that should go, first {:#x}", extra.size(), extra.front());
    if (!missing.empty())
        return std::format("{} gone that should stay, first {:#x}", missing.size(), missing.front());
    return "";
}

// All kinds, at the borders of sections and pieces (0x8000 pages each) and of ranges of RAM.
constexpr std::string_view varied = R"(
ram 0x1000..0x9fc00
ram 0x100000..0x2000000
ram 0x7c00000..0x8800000
ram 0x10000000..0x10100000
page 0x1..0x9 lru
page 0x10 buddy order 4
page 0x20 lru hwpoison
page 0x21 offline
page 0x40..0x60 anon
page 0x60 anon hwpoison
page 0x61 slab
page 0x62 lru private
page 0x63 movable
page 0x64 swapcache
page 0x65 ksm lru
page 0x66 hwpoison
page 0x68 lru order 3
page 0x80 anon order 4
page 0x85 hwpoison
page 0x90 kernel order 3
page 0x93 hwpoison
page 0x9f lru
page 0x100 buddy order 8
page 0x200 hugetlb order 9
page 0x400 anon order 9
page 0x600 lru private order 5
page 0x620 slab order 5
page 0x640..0x680 lru private
page 0x680..0x6a0 buddy order 1
page 0x800 hugetlb hwpoison order 9
page 0x7c00 buddy order 10
page 0x8000 hugetlb order 9
page 0x8200 buddy order 9
page 0x8400 lru order 9
page 0x8600 anon order 7
page 0x10000 anon order 8
)";

} // namespace

TEST_CASE("every level of every kernel leaves out what the builder says") {
    for (const std::string_view kernel :
         {"4.19", "5.10", "6.1", "6.4", "6.7", "6.10", "6.12", "7.1-plain", "7.1"}) {
        CAPTURE(kernel);
        const WrittenCore written(std::string(varied) + "kernel " + std::string(kernel));
        const CoreFile core = written.open();
        for (unsigned level = 0; level <= 31; ++level) {
            CAPTURE(level);
            const Filtered filtered = filter(written, core, level);
            CHECK(first_difference(filtered.pfns, written.built.expected_pfns(level)) == "");
            CHECK(filtered.summary.doubts.empty());
        }
    }
}

TEST_CASE("where struct pages lie in small pages, some of them shared") {
    for (const std::string_view machine :
         {"vmemmap 4k", "vmemmap 4k\nmachine levels 5", "machine levels 5"}) {
        CAPTURE(machine);
        const WrittenCore written(std::string(varied) + std::string(machine));
        const CoreFile core = written.open();
        for (const unsigned level : {0U, 8U, 31U})
            CHECK(first_difference(filter(written, core, level).pfns, written.built.expected_pfns(level)) ==
                  "");
    }
}

TEST_CASE("each page is counted once, by what it is") {
    const WrittenCore written(small_machine("page 0x1..0x9 lru\n"
                                            "page 0x9 lru private\n"
                                            "page 0x10 buddy order 4\n"
                                            "page 0x20..0x23 hwpoison\n"
                                            "page 0x30..0x35 offline\n"
                                            "page 0x40..0x46 anon\n"
                                            "page 0x200 hugetlb order 9\n"
                                            "page 0x400 kernel order 4\n"
                                            "page 0x403 hwpoison"));
    const CoreFile core = written.open();
    for (const unsigned level : {0U, 16U, 31U}) {
        const DumpSummary summary = filter(written, core, level).summary;
        CHECK(summary.pages(PageClass::cache) == 8);
        CHECK(summary.pages(PageClass::cache_private) == 1);
        CHECK(summary.pages(PageClass::free) == 16);
        CHECK(summary.pages(PageClass::hwpoison) == 4);
        CHECK(summary.pages(PageClass::offline) == 5);
        CHECK(summary.pages(PageClass::user) == 6 + 512);
        CHECK(summary.pages(PageClass::kept) == 0x9f + 0x1800 - 8 - 1 - 16 - 4 - 5 - 6 - 512);
    }
}

TEST_CASE("a folio of 1 GiB is one step over several sections") {
    const WrittenCore written(
        "ram 0x1000000..0x2800000\nram 0x40000000..0x80100000\nvmemmap 4k\n"
        "page 0x40000 hugetlb order 18\npage 0x80000 lru\npage 0x80001..0x80010 buddy\n");
    const CoreFile core = written.open();
    for (const unsigned level : {0U, 8U, 31U})
        CHECK(first_difference(filter(written, core, level).pfns, written.built.expected_pfns(level)) == "");
    CHECK(filter(written, core, 8).summary.pages(PageClass::user) == 262144);
}

TEST_CASE("behind a large free block, pages are judged as everywhere") {
    const WrittenCore written(
        "ram 0x1000000..0x10100000\nvmemmap 4k\n"
        "page 0x2000 buddy order 10\npage 0x2400 buddy order 10\npage 0x2800..0x2810 anon\n"
        "page 0x2c00 buddy order 10\npage 0x3000 hugetlb order 9\npage 0x3200 lru\npage 0x3400 buddy order "
        "10\n"
        "page 0x3800 kernel order 3\npage 0x3803 hwpoison\npage 0x7c00 buddy order 10\npage 0x8000..0x8008 "
        "lru\n"
        "page 0xfc00 buddy order 10\npage 0x10000 buddy order 8\n");
    for (const CoreAccess access : {CoreAccess::map, CoreAccess::read}) {
        const CoreFile core = CoreFile::open(written.path(), access).value();
        for (const unsigned level : {0U, 8U, 31U}) {
            const Filtered filtered = filter(written, core, level);
            CHECK(first_difference(filtered.pfns, written.built.expected_pfns(level)) == "");
            CHECK(filtered.summary.doubts.empty());
            CHECK(filtered.summary.pages(PageClass::free) == 6 * 1024 + 256);
        }
    }
}

TEST_CASE("a section without a memmap is kept, whatever the one before it holds") {
    const WrittenCore written(
        "ram 0x1000000..0x2000000\nram 0x8000000..0x8100000\nram 0x10000000..0x10100000\n"
        "page 0x8004 hwpoison\npage 0x8010 buddy order 4\nsection 2 absent\n");
    const CoreFile core = written.open();
    const Filtered filtered = filter(written, core, 31);
    CHECK(first_difference(filtered.pfns, written.built.expected_pfns(31)) == "");
    CHECK(filtered.summary.doubts ==
          std::vector<std::string>{"256 pages (first: pfn 0x10000) have no struct page, keeping them"});
    CHECK(filtered.summary.pages(PageClass::hwpoison) == 1);
}

TEST_CASE("struct pages that cannot be read keep their pages") {
    const WrittenCore written(
        "ram 0x1000000..0x2000000\nram 0x8000000..0x8100000\nram 0x10000000..0x10100000\n"
        "vmemmap 4k\npage 0x1f01 kernel\npage 0x8000..0x8100 lru\npage 0x10010 buddy order 4\n",
        [](BuiltCore& core) {
            const std::uint64_t memmap = 0xffffea0000000000;
            // 64 struct pages that are not mapped, and a section that is elsewhere.
            core.memory().put(core.table_entry(memmap + 0x8040 * 64, 1), std::uint64_t{0});
            core.memory().put(core.section_entry(2), std::uint64_t{0xffff123456780001});
        });
    const CoreFile core = written.open();
    const Filtered filtered = filter(written, core, 31);
    CHECK(filtered.pfns.size() == 0x1000 + 64 + 256);
    CHECK(std::ranges::count_if(filtered.pfns, [](auto pfn) { return pfn >= 0x8040 && pfn < 0x8080; }) == 64);
    REQUIRE(filtered.summary.doubts.size() == 2);
    CHECK(filtered.summary.doubts[0] ==
          "320 pages (first: pfn 0x8040) have a struct page that cannot be read, keeping them");
    CHECK(filtered.summary.doubts[1].starts_with("no free page was found"));
}

TEST_CASE("free blocks of a size that cannot be are kept and told") {
    const WrittenCore written(
        small_machine("page 0x200 buddy\nstruct_page 0x200 private 77\n"
                      "page 0x201 buddy\nstruct_page 0x201 private 3\npage 0x208 buddy order 3"));
    const CoreFile core = written.open();
    const Filtered filtered = filter(written, core, 16);
    CHECK(filtered.summary.pages(PageClass::free) == 8);
    CHECK(filtered.summary.doubts ==
          std::vector<std::string>{"2 pages (first: pfn 0x200) are said to begin a free block of a size that "
                                   "cannot be, keeping them"});
}

TEST_CASE("free blocks and folios that reach beyond memory are not believed") {
    // RAM ends at pfn 0x2100 and at 0x8010; the memmap goes on.
    const WrittenCore written("ram 0x1000..0x9fc00\nram 0x100000..0x2100000\nram 0x8000000..0x8010000\n"
                              "page 0x20f0 buddy order 4\n"
                              "page 0x2000 buddy\nstruct_page 0x2000 private 9\n"
                              "page 0x8000 anon order 3\nstruct_page 0x8000 order 5\n");
    const CoreFile core = written.open();
    const Filtered filtered = filter(written, core, 31);
    CHECK(filtered.summary.pages(PageClass::free) == 16);
    CHECK(std::ranges::contains(filtered.pfns, 0x2000));
    CHECK_FALSE(std::ranges::contains(filtered.pfns, 0x8000));
    CHECK(std::ranges::contains(filtered.pfns, 0x8008));
    CHECK(filtered.summary.doubts ==
          std::vector<std::string>{
              "1 pages (first: pfn 0x8000) are heads of folios whose last page is not theirs, judging their "
              "other pages by themselves",
              "1 pages (first: pfn 0x2000) are said to begin a free block of a size that cannot be, keeping "
              "them"});
}

TEST_CASE("pages of a type that no kernel has are kept and told") {
    const struct {
        std::string_view kernel;
        std::uint32_t known; // a page table's
        std::uint32_t unknown;
    } table[] = {{"6.1", 0xfffffdff, 0xf7ffffff}, {"6.12", 0xf2000000, 0xfe000000}};
    for (const auto& [kernel, known, unknown] : table) {
        CAPTURE(kernel);
        const WrittenCore written(small_machine(
            std::format("kernel {}\npage 0x200 buddy\npage 0x210..0x213 lru\nstruct_page 0x210 mapcount {}\n"
                        "struct_page 0x211 mapcount {}\n",
                        kernel, known, unknown)));
        const CoreFile core = written.open();
        const Filtered filtered = filter(written, core, 31);
        CHECK_FALSE(std::ranges::contains(filtered.pfns, 0x210));
        CHECK(std::ranges::contains(filtered.pfns, 0x211));
        CHECK_FALSE(std::ranges::contains(filtered.pfns, 0x212));
        CHECK(filtered.summary.doubts ==
              std::vector<std::string>{
                  "1 pages (first: pfn 0x211) are of a type that is not known, keeping them"});
    }
}

TEST_CASE("a folio's damaged order takes no other page with it") {
    const WrittenCore written(small_machine("page 0x240 anon order 2\nstruct_page 0x240 order 5\n"
                                            "page 0x280 anon order 2\npage 0x300 buddy order 3"));
    const CoreFile core = written.open();
    const Filtered filtered = filter(written, core, 31);
    const auto is_dumped = [&](std::uint64_t pfn) { return std::ranges::contains(filtered.pfns, pfn); };
    CHECK_FALSE(is_dumped(0x240));
    CHECK(is_dumped(0x244));
    CHECK(is_dumped(0x25f));
    CHECK_FALSE(is_dumped(0x283));
    CHECK(filtered.summary.doubts ==
          std::vector<std::string>{"1 pages (first: pfn 0x240) are heads of folios whose last page is not "
                                   "theirs, judging their other pages by themselves"});
}

TEST_CASE("a filter that can tell nothing keeps everything, and says why") {
    const struct {
        std::string_view change;
        std::string_view doubt;
    } table[] = {
        {"elf no_vmcoreinfo", ""}, // the core itself says so
        {"omit NUMBER(phys_base)", "VMCOREINFO lacks NUMBER(phys_base), keeping every page"},
        {"omit SYMBOL(mem_section)", "VMCOREINFO does not describe mem_section, keeping every page"},
        {"omit OFFSET(page.private)", "VMCOREINFO has no usable offset of page.private, keeping every page"},
    };
    for (const auto& [change, doubt] : table) {
        CAPTURE(change);
        const WrittenCore written(
            small_machine("page 0x200 buddy order 3\npage 0x210 hwpoison\n" + std::string(change)));
        const CoreFile core = written.open();
        const Filtered filtered = filter(written, core, 31);
        CHECK(filtered.pfns == written.built.present_pfns());
        CHECK(filtered.summary.pages(PageClass::kept) == filtered.pfns.size());
        CHECK(filtered.summary.doubts ==
              (doubt.empty() ? std::vector<std::string>{} : std::vector<std::string>{std::string(doubt)}));
    }
}

TEST_CASE("what cannot be told is named by the level's bits") {
    const struct {
        std::string_view change;
        unsigned unfilterable;
    } table[] = {
        {"", 0},
        {"omit NUMBER(PG_lru)", exclude_cache | exclude_cache_private},
        {"omit NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)", exclude_free},
        {"page 0x300 anon\nomit OFFSET(page.compound_head)", dump_level_maximum & ~exclude_zero},
        {"elf no_vmcoreinfo", dump_level_maximum & ~exclude_zero},
        {"omit NUMBER(HUGETLB_PAGE_DTOR)", 0}, // those alone are kept
    };
    for (const auto& [change, unfilterable] : table) {
        CAPTURE(change);
        const WrittenCore written(small_machine("page 0x200 buddy order 3\n" + std::string(change)));
        const CoreFile core = written.open();
        CHECK(filter(written, core, 31).summary.unfilterable == unfilterable);
    }
}

TEST_CASE("a machine without one free page is doubted") {
    const WrittenCore written(small_machine());
    const CoreFile core = written.open();
    CHECK(filter(written, core, 31).summary.unfilterable == exclude_free);
    CHECK(filter(written, core, 15).summary.unfilterable == 0);
    CHECK(filter(written, core, 31).summary.doubts ==
          std::vector<std::string>{
              "no free page was found, which cannot be: the dump may be larger than it need be"});
    CHECK(filter(written, core, 15).summary.doubts.empty());
}
