// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/vmcoreinfo.h"

#include <string>

#include <doctest/doctest.h>

using namespace lifeboat;

TEST_CASE("keys of each label") {
    const Vmcoreinfo info = Vmcoreinfo::parse("OSRELEASE=6.1.0-test\n"
                                              "PAGESIZE=4096\n"
                                              "SYMBOL(init_top_pgt)=ffffffff82a10000\n"
                                              "SIZE(page)=64\n"
                                              "OFFSET(page.flags)=0\n"
                                              "LENGTH(zone.free_area)=11\n"
                                              "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129\n"
                                              "NUMBER(phys_base)=-238026752\n"
                                              "KERNELOFFSET=1e000000\n"
                                              "CRASHTIME=1700000000\n");
    CHECK(info.value("OSRELEASE") == "6.1.0-test");
    CHECK(info.page_bytes() == 4096);
    CHECK(info.symbol("init_top_pgt") == 0xffffffff82a10000);
    CHECK(info.size("page") == 64);
    CHECK(info.offset("page.flags") == 0);
    CHECK(info.length("zone.free_area") == 11);
    CHECK(info.number("PAGE_BUDDY_MAPCOUNT_VALUE") == -129);
    CHECK(info.number("phys_base") == -238026752);
    CHECK(info.kernel_offset() == 0x1e000000);
    CHECK(info.crash_time() == 1700000000);
    CHECK_FALSE(info.number("PG_lru"));
    CHECK_FALSE(info.symbol("page"));
    CHECK_FALSE(info.empty());
}

TEST_CASE("damaged lines count as absent, and nothing more") {
    const struct {
        std::string_view line;
        bool has_size;
    } table[] = {
        {"SIZE(page)=64", true},    {"SIZE(page)=", false},
        {"SIZE(page)=6 4", false},  {"SIZE(page)=-64", false},
        {"SIZE(page)=0x40", false}, {"SIZE(page)=99999999999999999999", false},
        {"SIZE(page", false},       {"SIZE(page)", false},
        {"SIZE(page )=64", false},  {"=64", false},
        {"\x01\xff=\xfe", false},   {"SIZE(page)=64\r", true},
    };
    for (const auto& [line, has_size] : table) {
        CAPTURE(line);
        const Vmcoreinfo info = Vmcoreinfo::parse("X\n" + std::string(line) + "\nPAGESIZE=4096\n");
        CHECK(info.size("page").has_value() == has_size);
        CHECK(info.page_bytes() == 4096);
    }
}

TEST_CASE("the first of two equal keys counts, and text ends at a zero byte") {
    const Vmcoreinfo info = Vmcoreinfo::parse(std::string_view("A=1\nA=2\nB=3\0C=4\n", 17));
    CHECK(info.value("A") == "1");
    CHECK(info.value("B") == "3");
    CHECK_FALSE(info.value("C"));
    CHECK(info.text() == "A=1\nA=2\nB=3");
}

TEST_CASE("nothing at all") {
    CHECK(Vmcoreinfo::parse("").empty());
    CHECK(Vmcoreinfo::parse("no key here\n").empty());
    CHECK_FALSE(Vmcoreinfo{}.page_bytes());
}
