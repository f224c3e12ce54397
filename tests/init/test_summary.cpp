// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/summary.h"

#include <doctest/doctest.h>

using namespace lifeboat;

TEST_CASE("the summary line has all its keys, in order") {
    Summary summary;
    summary.result = DumpResult::saved;
    summary.level = 31;
    summary.folder = "/crash/20250131T235959Z-host";
    std::uint64_t value = 100;
    for (const std::string_view name : Summary::count_names)
        summary.set_count(name, ++value);
    summary.set_count("something else", 1);
    CHECK(summary.count("bytes") == 101);
    CHECK(summary.count("something else") == 0);
    summary.total_ms = 12'345;
    summary.add_stage_ms("plan", 7);
    summary.add_stage_ms("vmcore", 1'000);
    summary.add_stage_ms("vmcore", 20);
    summary.peak_kib = 4968;
    summary.mem_available_min_kib = 64'336;
    summary.mem_total_kib = 90'592;
    summary.asked_level = 31;
    CHECK(
        summary.line() ==
        "summary result=saved level=31 folder=/crash/20250131T235959Z-host bytes=101 dmesg_bytes=102 "
        "pages=103"
        " dumped=104 zero=105 identical=106 kept=107 cache=108 cache_private=109 user=110 free=111 "
        "hwpoison=112"
        " offline=113 unreadable=114 doubts=115 seconds_total=12.345 seconds_plan=0.007 seconds_vmcore=1.020"
        " peak_kib=4968 mem_available_min_kib=64336 mem_total_kib=90592 asked_level=31 target=- attempts=0");
}

TEST_CASE("each result, and what is escaped or missing") {
    const struct {
        DumpResult result;
        std::string beginning;
    } rows[] = {{DumpResult::saved, "summary result=saved "},
                {DumpResult::partial, "summary result=partial "},
                {DumpResult::incomplete, "summary result=incomplete "},
                {DumpResult::dmesg_only, "summary result=dmesg-only "},
                {DumpResult::failed, "summary result=failed level=0 folder=- bytes=0 "}};
    for (const auto& row : rows) {
        Summary summary;
        summary.result = row.result;
        CHECK(summary.line().starts_with(row.beginning));
        CHECK_FALSE(summary.line().contains("failed_stage"));
    }
    Summary summary;
    summary.folder = "/a b\n/c";
    summary.failed_stage = "target";
    summary.last_error = "no_space:dmesg: write 'x': full";
    summary.target = "LABEL=my disk";
    summary.attempts = 2;
    CHECK(summary.line().contains(" folder=/a\\x20b\\x0a/c "));
    CHECK(summary.line().ends_with(" target=LABEL=my\\x20disk attempts=2 failed_stage=target"
                                   " error=no_space:dmesg:\\x20write\\x20'x':\\x20full"));
}
