// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/dump_folder.h"
#include "tests/error_text.h"
#include "tests/fakes/temporary_system.h"

#include <filesystem>

#include <doctest/doctest.h>

using namespace lifeboat;

namespace {

SaveRequest request_for(const fakes::TemporarySystem& system, const std::string& path) {
    return {.paths = system.paths(), .target_path = path, .host = "host"};
}

} // namespace

TEST_CASE("a folder's name is its time and host, of safe characters only") {
    const struct {
        std::int64_t seconds;
        std::string host;
        std::string expected;
    } rows[] = {
        {0, "a", "19700101T000000Z-a"},
        {1'738'367'999, "db-7.example_x", "20250131T235959Z-db-7.example_x"},
        {1'738'367'999, "../../etc", "20250131T235959Z-.._.._etc"},
        {1'738'367'999, "a b\n\xff/", "20250131T235959Z-a_b___"},
        {1'738'367'999, "", "20250131T235959Z-unknown"},
        {1'738'367'999, std::string(100, 'x'), "20250131T235959Z-" + std::string(64, 'x')},
    };
    for (const auto& row : rows)
        CHECK(dump_folder_name(row.seconds, row.host) == row.expected);
}

TEST_CASE("the time of the crash is what the dead kernel said where that can be true") {
    constexpr std::int64_t now = 1'738'000'000;
    CHECK(choose_crash_time(now - 100, now) == now - 100);
    CHECK(choose_crash_time(std::nullopt, now) == now);
    CHECK(choose_crash_time(5, now) == now);               // before this program
    CHECK(choose_crash_time(now + 1'000'000, now) == now); // in the future
    CHECK(choose_crash_time(INT64_MAX, now) == now);
    CHECK(choose_crash_time(-1, now) == now);
    CHECK(choose_crash_time(now, 30) == now); // this kernel's clock is not set
    CHECK(choose_crash_time(std::nullopt, -5) == 0);
    CHECK(choose_crash_time(std::nullopt, INT64_MAX) == 0);
}

TEST_CASE("folders are made private, and numbered when the name is taken") {
    const fakes::TemporarySystem system;
    const SaveRequest request = request_for(system, "/var//crash/./here");
    CHECK(DumpFolder::create(request, 0)->name() == "19700101T000000Z-host");
    CHECK(DumpFolder::create(request, 0)->name() == "19700101T000000Z-host-2");
    CHECK(DumpFolder::create(request, 0)->name() == "19700101T000000Z-host-3");
    CHECK(system.mode("target/var") == 0700);
    CHECK(system.mode("target/var/crash/here/19700101T000000Z-host-2") == 0700);
}

TEST_CASE("the root of the file system is a folder like any other") {
    const fakes::TemporarySystem system;
    CHECK(DumpFolder::create(request_for(system, "/"), 0).has_value());
    CHECK(system.exists("target/19700101T000000Z-host"));
}

TEST_CASE("symbolic links on the target are not followed") {
    const fakes::TemporarySystem system;
    std::filesystem::create_directories(system.path("elsewhere"));
    std::filesystem::create_symlink(system.path("elsewhere"), system.path("target/crash"));
    const auto folder = DumpFolder::create(request_for(system, "/crash"), 0);
    CHECK(tests::error_text(folder) == "open the target's folder '/crash': open 'crash': Not a directory");
    CHECK(std::filesystem::is_empty(system.path("elsewhere")));
}

TEST_CASE("a file gets its final name by being completed") {
    const fakes::TemporarySystem system;
    SaveRequest request = request_for(system, "/");
    DumpFolder folder = DumpFolder::create(request, 0).value();
    const std::string below = "target/19700101T000000Z-host/";
    const Descriptor file = folder.create_file("x.incomplete").value();
    CHECK(system.mode(below + "x.incomplete") == 0600);
    CHECK(tests::error_text(folder.create_file("x.incomplete")) == "open 'x.incomplete': File exists");
    REQUIRE(write_all(file.get(), "text", "x").has_value());
    CHECK(folder.complete_file(file, "x.incomplete", "x").has_value());
    CHECK(system.read(below + "x") == "text");
    CHECK_FALSE(system.exists(below + "x.incomplete"));

    request.folder = folder.name();
    const DumpFolder same = DumpFolder::open(request).value();
    CHECK(same.size_of("x") == 4);
    CHECK(same.size_of("y") == std::nullopt);
    CHECK(same.free_bytes() > 0);
    CHECK(folder.remove_file("x").has_value());
    CHECK(folder.remove_file("x").has_value());
}
