// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/vmcore/written_core.h"
#include "vmcore/struct_page.h"

#include <algorithm>
#include <array>

#include <doctest/doctest.h>

using namespace lifeboat;
using namespace lifeboat::tests;

namespace {

constexpr std::array kernels{"5.10", "6.1", "6.4", "6.7", "6.10", "6.12", "7.1-plain", "7.1"};

PageVerdict judge(const BuiltCore& core, std::uint64_t pfn, std::vector<std::string>& doubts) {
    const auto layout = StructPageLayout::from(Vmcoreinfo::parse(core.vmcoreinfo()), doubts);
    REQUIRE(layout);
    const std::uint64_t at = core.struct_page(pfn);
    const auto page = core.memory().get<std::array<std::byte, 64>>(at);
    const auto next = core.memory().get<std::array<std::byte, 64>>(at + 64);
    return layout->judge(pfn, page.data(), next.data());
}

PageVerdict judge(const BuiltCore& core, std::uint64_t pfn) {
    std::vector<std::string> doubts;
    const PageVerdict verdict = judge(core, pfn, doubts);
    CHECK(doubts.empty());
    return verdict;
}

} // namespace

TEST_CASE("each kind of page, as each kernel marks it") {
    const struct {
        std::string_view page; // described at pfn 0x400
        PageClass page_class;
        unsigned order;
    } table[] = {
        {"kernel", PageClass::kept, 0},
        {"kernel order 4", PageClass::kept, 4},
        {"slab", PageClass::kept, 0},
        {"slab order 3", PageClass::kept, 3},
        {"movable", PageClass::kept, 0},
        {"private", PageClass::kept, 0},
        {"buddy", PageClass::free, 0},
        {"buddy order 10", PageClass::free, 10},
        {"lru", PageClass::cache, 0},
        {"lru order 5", PageClass::cache, 5},
        {"lru private", PageClass::cache_private, 0},
        {"lru private order 2", PageClass::cache_private, 2},
        {"swapcache", PageClass::cache, 0},
        {"swapcache private", PageClass::cache_private, 0},
        {"anon", PageClass::user, 0},
        {"anon lru", PageClass::user, 0},
        {"anon lru swapcache", PageClass::user, 0},
        {"anon lru private", PageClass::user, 0},
        {"ksm", PageClass::user, 0},
        {"anon order 9", PageClass::user, 9},
        {"anon lru order 9", PageClass::user, 9},
        {"hugetlb order 9", PageClass::user, 9},
        {"hwpoison", PageClass::hwpoison, 0},
        {"lru hwpoison", PageClass::hwpoison, 0},
        {"hugetlb order 9 hwpoison", PageClass::hwpoison, 9},
        {"offline", PageClass::offline, 0},
    };
    for (const std::string_view kernel : kernels)
        for (const auto& [page, page_class, order] : table) {
            CAPTURE(kernel);
            CAPTURE(page);
            const BuiltCore core = BuiltCore::from(small_machine("vmemmap 4k\nkernel " + std::string(kernel) +
                                                                 "\npage 0x400 " + std::string(page)));
            const PageVerdict verdict = judge(core, 0x400);
            CHECK(name_of(verdict.page_class) == name_of(page_class));
            CHECK(verdict.order == order);
            CHECK_FALSE(verdict.order_is_corrupt);
        }
}

TEST_CASE("a tail says nothing by itself, unless it is damaged memory") {
    for (const std::string_view kernel : kernels) {
        CAPTURE(kernel);
        const BuiltCore core = BuiltCore::from(small_machine(
            "vmemmap 4k\nkernel " + std::string(kernel) + "\npage 0x400 anon order 4\npage 0x405 hwpoison"));
        for (std::uint64_t pfn = 0x401; pfn < 0x410; ++pfn) {
            const PageVerdict verdict = judge(core, pfn);
            CHECK(verdict.page_class == (pfn == 0x405 ? PageClass::hwpoison : PageClass::kept));
            CHECK(verdict.order == 0);
        }
    }
}

TEST_CASE("orders that cannot be are not believed") {
    const struct {
        std::string_view pages;
        PageClass page_class;
        unsigned order;
        bool corrupt;
    } table[] = {
        {"page 0x400 buddy\nstruct_page 0x400 private 11", PageClass::kept, 0, true},
        {"page 0x400 buddy\nstruct_page 0x400 private 0xffffffffffffffff", PageClass::kept, 0, true},
        {"page 0x400 buddy\nstruct_page 0x400 private 64", PageClass::kept, 0, true},
        {"page 0x401 buddy\npage 0x400 kernel\nstruct_page 0x401 private 1", PageClass::kept, 0, true},
        {"page 0x400 anon order 1\nstruct_page 0x400 order 11", PageClass::user, 0, false},
        {"page 0x400 anon order 1\nstruct_page 0x400 order 255", PageClass::user, 0, false},
        {"page 0x400 anon order 1\nstruct_page 0x400 order 64", PageClass::user, 0, false},
        {"page 0x400 hugetlb order 9\nstruct_page 0x400 order 41", PageClass::user, 0, false},
    };
    for (const std::string_view kernel : kernels)
        for (const auto& [pages, page_class, order, corrupt] : table) {
            CAPTURE(kernel);
            CAPTURE(pages);
            const BuiltCore core = BuiltCore::from(
                small_machine("vmemmap 4k\nkernel " + std::string(kernel) + "\n" + std::string(pages)));
            const PageVerdict verdict = judge(core, pages.starts_with("page 0x401") ? 0x401 : 0x400);
            CHECK(verdict.page_class == page_class);
            CHECK(verdict.order == order);
            CHECK(verdict.order_is_corrupt == corrupt);
        }
}

TEST_CASE("what a slab of 6.2 and later keeps in place of a mapping is no anonymous page") {
    const BuiltCore core =
        BuiltCore::from(small_machine("kernel 6.12\npage 0x400 slab\npage 0x402 slab order 1"));
    CHECK((core.memory().get<std::uint64_t>(core.struct_page(0x400) + page_mapping_at) & 1) == 1);
    CHECK(judge(core, 0x400).page_class == PageClass::kept);
    CHECK(judge(core, 0x402).page_class == PageClass::kept);
}

TEST_CASE("since 6.12 a page type is the top byte, and the rest may count") {
    const BuiltCore core =
        BuiltCore::from(small_machine("kernel 6.12\npage 0x400 buddy\nstruct_page 0x400 mapcount "
                                      "0xf0000007\npage 0x401 offline\nstruct_page 0x401 mapcount "
                                      "0xf1ffffff"));
    CHECK(judge(core, 0x400).page_class == PageClass::free);
    CHECK(judge(core, 0x401).page_class == PageClass::offline);
    // Before, it is the whole word.
    const BuiltCore old =
        BuiltCore::from(small_machine("kernel 6.1\npage 0x400 buddy\nstruct_page 0x400 mapcount "
                                      "0xffffff70"));
    CHECK(judge(old, 0x400).page_class == PageClass::kept);
}

TEST_CASE("a key that is absent keeps its pages, and a doubt says so") {
    const struct {
        std::string_view kernel;
        std::string_view omitted;
        std::string_view page;
        PageClass page_class;
        unsigned order;
        std::string_view doubt; // "": none
    } table[] = {
        {"6.1", "NUMBER(PG_lru)", "lru", PageClass::kept, 0,
         "VMCOREINFO lacks PG_lru or PG_private, keeping the page cache"},
        {"6.1", "NUMBER(PG_private)", "lru", PageClass::kept, 0,
         "VMCOREINFO lacks PG_lru or PG_private, keeping the page cache"},
        {"6.1", "NUMBER(PG_swapcache)", "swapcache", PageClass::kept, 0, ""},
        {"6.1", "NUMBER(PG_hwpoison)", "hwpoison", PageClass::kept, 0, ""},
        {"6.1", "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)", "buddy order 3", PageClass::kept, 0,
         "VMCOREINFO lacks PAGE_BUDDY_MAPCOUNT_VALUE or LENGTH(zone.free_area), keeping free pages"},
        {"6.1", "LENGTH(zone.free_area)", "buddy order 3", PageClass::kept, 0,
         "VMCOREINFO lacks PAGE_BUDDY_MAPCOUNT_VALUE or LENGTH(zone.free_area), keeping free pages"},
        {"6.1", "NUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)", "offline", PageClass::kept, 0, ""},
        {"6.1", "NUMBER(PG_head_mask)", "anon order 9", PageClass::user, 0,
         "VMCOREINFO does not say how large folios are, keeping all their pages but the first"},
        {"6.1", "OFFSET(page.compound_order)", "anon order 9", PageClass::user, 0,
         "VMCOREINFO does not say how large folios are, keeping all their pages but the first"},
        {"6.4", "OFFSET(folio._folio_order)", "anon order 9", PageClass::user, 0,
         "VMCOREINFO does not say how large folios are, keeping all their pages but the first"},
        {"6.1", "OFFSET(page.compound_dtor)", "hugetlb order 9", PageClass::kept, 9,
         "VMCOREINFO does not say what hugetlb pages look like, keeping them"},
        {"6.1", "NUMBER(HUGETLB_PAGE_DTOR)", "hugetlb order 9", PageClass::kept, 9,
         "VMCOREINFO does not say what hugetlb pages look like, keeping them"},
    };
    for (const auto& [kernel, omitted, page, page_class, order, doubt] : table) {
        CAPTURE(omitted);
        const BuiltCore core = BuiltCore::from(small_machine(
            std::format("vmemmap 4k\nkernel {}\npage 0x400 {}\nomit {}", kernel, page, omitted)));
        std::vector<std::string> doubts;
        const PageVerdict verdict = judge(core, 0x400, doubts);
        CHECK(name_of(verdict.page_class) == name_of(page_class));
        CHECK(verdict.order == order);
        CHECK(doubts ==
              (doubt.empty() ? std::vector<std::string>{} : std::vector<std::string>{std::string(doubt)}));
    }
}

TEST_CASE("bits and offsets that cannot be count as absent") {
    std::vector<std::string> doubts;
    for (const std::string_view value : {"-1", "64", "1000"}) {
        const BuiltCore core =
            BuiltCore::from(small_machine("page 0x400 lru\nset NUMBER(PG_lru)=" + std::string(value)));
        CHECK(judge(core, 0x400, doubts).page_class == PageClass::kept);
        CHECK(doubts ==
              std::vector<std::string>{"VMCOREINFO lacks PG_lru or PG_private, keeping the page cache"});
        doubts.clear();
    }
    const auto layout_of = [&](std::string_view change) {
        return StructPageLayout::from(Vmcoreinfo::parse(BuiltCore::from(small_machine(change)).vmcoreinfo()),
                                      doubts);
    };
    CHECK_FALSE(layout_of("set OFFSET(page.mapping)=57"));
    CHECK_FALSE(layout_of("omit OFFSET(page.flags)\nset OFFSET(page.private)=18446744073709551615"));
    CHECK_FALSE(layout_of("omit SIZE(page)"));
    CHECK(doubts == std::vector<std::string>{
                        "VMCOREINFO has no usable offset of page.mapping, keeping every page",
                        "VMCOREINFO has no usable offset of page.flags, page.private, keeping every page",
                        "VMCOREINFO has no usable offset of page.flags, page._mapcount, page.mapping, "
                        "page.private, page.compound_head, keeping every page"});
}

TEST_CASE("memory that is not accepted yet is free, a block of the largest order each") {
    const BuiltCore core = BuiltCore::from(small_machine("kernel 7.1\npage 0x400 unaccepted order 10"));
    CHECK(judge(core, 0x400).page_class == PageClass::free);
    CHECK(judge(core, 0x400).order == 10);
    // One that does not lie where such a block can begin is damaged.
    const BuiltCore damaged = BuiltCore::from(small_machine("kernel 7.1\npage 0x401 unaccepted"));
    CHECK(judge(damaged, 0x401).page_class == PageClass::kept);
    CHECK(judge(damaged, 0x401).order_is_corrupt);
    // Before 6.16 it cannot be told.
    const BuiltCore old = BuiltCore::from(small_machine(
        "kernel 7.1\npage 0x400 unaccepted order 10\nomit NUMBER(PAGE_UNACCEPTED_MAPCOUNT_VALUE)"));
    CHECK(judge(old, 0x400).page_class == PageClass::kept);
}

TEST_CASE("a tail leads to its head by an address, or since 7.1 by a mask") {
    constexpr std::uint64_t head = 0xffffea0000010000; // of pfn 0x400, order 9: 32 KiB of struct pages
    const struct {
        std::string_view kernel;
        std::uint64_t info;
        std::uint64_t head;
        unsigned order;
        bool is_tail;
    } table[] = {
        {"6.12", head | 1, head, 9, true},
        {"6.12", head, head, 9, false},              // no tail at all
        {"6.12", (head + 0x40) | 1, head, 9, false}, // of another head
        {"7.1", head | 1, head, 9, true},            // configured without the mask
        {"7.1", 0xffffffffffff8001, head, 9, true},
        {"7.1", 0xffffffffffff8000, head, 9, false},               // no tail at all
        {"7.1", 0xffffffffffff8001, head, 8, false},               // of a folio of another order
        {"7.1", 0xffffffffffff8001, head + 64, 9, false},          // which would not lie aligned
        {"7.1", 0xffffffffffff80c1, head, 9, false},               // no mask
        {"7.1", ~std::uint64_t{0}, head, 9, false},                //
        {"7.1", 0xffffffffff000001, 0xffffea0001000000, 18, true}, // 1 GiB
    };
    for (const auto& [kernel, info, head_address, order, is_tail] : table) {
        CAPTURE(kernel);
        CAPTURE(info);
        CAPTURE(order);
        std::vector<std::string> doubts;
        const BuiltCore core = BuiltCore::from(small_machine(
            std::format("kernel {}\npage 0x400 lru\nstruct_page 0x400 compound_info {}", kernel, info)));
        const auto layout = StructPageLayout::from(Vmcoreinfo::parse(core.vmcoreinfo()), doubts);
        const auto page = core.memory().get<std::array<std::byte, 64>>(core.struct_page(0x400));
        CHECK(layout->is_tail_of(page.data(), head_address, order) == is_tail);
    }
}

TEST_CASE("the last page of a section may be a head with no page after it") {
    const BuiltCore core = BuiltCore::from(small_machine("page 0x400 anon order 9"));
    std::vector<std::string> doubts;
    const auto layout = StructPageLayout::from(Vmcoreinfo::parse(core.vmcoreinfo()), doubts);
    const auto page = core.memory().get<std::array<std::byte, 64>>(core.struct_page(0x400));
    const PageVerdict verdict = layout->judge(0x400, page.data(), nullptr);
    CHECK(verdict.page_class == PageClass::user);
    CHECK(verdict.order == 0);
}
