// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/make_room.h"
#include "tests/fakes/recording_report.h"
#include "tests/fakes/temporary_system.h"

#include <format>

#include <doctest/doctest.h>

using namespace lifeboat;

namespace {

constexpr std::int64_t new_year_2026_s = 1'767'225'600;

struct Crowded {
    Crowded() {
        put("20250101T000000Z-host/vmcore");
        put("20250201T000000Z-host/vmcore");
        put("20250301T000000Z-host/vmcore.incomplete");
        put("20250401T000000Z-host/vmcore-dmesg.txt");
        put("notes/mine");
        folder = DumpFolder::create(request, new_year_2026_s).value();
    }
    void put(const std::string& name) { system.write("target/crash/" + name, std::string(8192, 'x')); }
    [[nodiscard]] bool has(const std::string& name) const { return system.exists("target/crash/" + name); }

    fakes::TemporarySystem system;
    fakes::RecordingReport report;
    SaveRequest request{system.paths(), "/crash", "host", ""};
    std::optional<DumpFolder> folder;
};

} // namespace

TEST_CASE("where there is room no dump goes") {
    Crowded crowded;
    make_room(crowded.request, crowded.folder->name(), {.bytes = 0}, "vmcore", "much is expected",
              crowded.report);
    CHECK(crowded.has("20250101T000000Z-host"));
    CHECK(crowded.report.lines.empty());
}

TEST_CASE("older dumps go, oldest first, but for the newest and the newest complete one") {
    Crowded crowded;
    make_room(crowded.request, crowded.folder->name(), {.bytes = UINT64_MAX}, "vmcore", "much is expected",
              crowded.report);
    CHECK_FALSE(crowded.has("20250101T000000Z-host"));
    CHECK(crowded.has("20250201T000000Z-host/vmcore"));
    CHECK_FALSE(crowded.has("20250301T000000Z-host"));
    CHECK(crowded.has("20250401T000000Z-host/vmcore-dmesg.txt"));
    CHECK(crowded.has("notes/mine"));
    CHECK(crowded.has(crowded.folder->name()));
    REQUIRE(crowded.report.lines.size() == 2);
    CHECK(crowded.report.lines[0] ==
          "vmcore: much is expected, removed the older dump '20250101T000000Z-host' (8192 bytes)");
}

TEST_CASE("what a removal that was cut off has left goes") {
    Crowded crowded;
    crowded.put("20240101T000000Z-host.removing/vmcore");
    make_room(crowded.request, crowded.folder->name(), {.bytes = 0}, "vmcore", "much is expected",
              crowded.report);
    CHECK_FALSE(crowded.has("20240101T000000Z-host.removing"));
    CHECK(crowded.has("20250101T000000Z-host"));
    CHECK(crowded.report.lines ==
          std::vector<std::string>{"vmcore: removed '20240101T000000Z-host.removing', "
                                   "which a removal that was cut off had left"});
}

TEST_CASE("a dump that cannot be removed is passed over") {
    Crowded crowded;
    crowded.put("20250101T000000Z-host/analysis/result");
    make_room(crowded.request, crowded.folder->name(), {.bytes = UINT64_MAX}, "vmcore", "much is expected",
              crowded.report);
    CHECK(crowded.has("20250101T000000Z-host/vmcore"));
    CHECK_FALSE(crowded.has("20250301T000000Z-host"));
    REQUIRE(crowded.report.lines.size() == 2);
    CHECK(crowded.report.lines[0].ends_with("there is a folder 'analysis' in it, leaving it all"));
}
