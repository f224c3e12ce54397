// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/dump_catalogue.h"
#include "stages/dump_folder.h"
#include "tests/builders/temporary_folder.h"

#include <algorithm>
#include <filesystem>
#include <format>
#include <fstream>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace lifeboat;
using namespace lifeboat::tests;

namespace {

constexpr std::int64_t day_s = 86'400;

void put(const TemporaryFolder& folder, const std::string& dump, const std::vector<std::string>& files) {
    std::filesystem::create_directories(folder.path(dump));
    for (const std::string& file : files)
        std::ofstream(folder.path(dump) + "/" + file) << std::string(4096, 'x');
}

std::vector<std::string> names_of(const std::vector<StoredDump>& dumps) {
    std::vector<std::string> names;
    for (const StoredDump& dump : dumps)
        names.push_back(dump.name);
    return names;
}

StoredDump dump_of(std::string name, std::int64_t day, std::uint64_t bytes,
                   StoredDump::State state = StoredDump::State::complete) {
    return {.name = std::move(name), .crash_time_s = day * day_s, .state = state, .bytes = bytes};
}

} // namespace

TEST_CASE("the name of a dump's folder is read back") {
    for (const std::int64_t time : {0L, 951'782'400L, 1'700'000'000L, 4'102'444'799L}) {
        const auto dump = parse_dump_folder_name(dump_folder_name(time, "db-1.example"));
        REQUIRE(dump);
        CHECK(dump->crash_time_s == time);
        CHECK(dump->host == "db-1.example");
    }
    for (const std::string_view name :
         {"", "202611261200", "20261126T120000Z", "20261126T120000Z-", "20261126 120000Z-a",
          "2026112xT120000Z-a", "20261126T120000Z-a.removing", "lost+found"})
        CHECK_FALSE(parse_dump_folder_name(name));
}

TEST_CASE("dumps are listed oldest first, and nothing else is") {
    const TemporaryFolder folder;
    put(folder, "20260301T000000Z-a", {"vmcore", "vmcore-dmesg.txt", "lifeboat.log"});
    put(folder, "20260101T000000Z-a-10", {"vmcore.incomplete"});
    put(folder, "20260101T000000Z-a", {"vmcore-dmesg.txt"});
    put(folder, "20260101T000000Z-a-2", {});
    put(folder, "202603010000", {"vmcore"}); // kdump-tools'
    std::ofstream(folder.path("20260401T000000Z-file")) << "x";
    std::filesystem::create_directory_symlink("/", folder.path("20260501T000000Z-link"));
    const auto dumps = list_dumps(folder.path());
    REQUIRE(dumps);
    CHECK(names_of(*dumps) == std::vector<std::string>{"20260101T000000Z-a", "20260101T000000Z-a-2",
                                                       "20260101T000000Z-a-10", "20260301T000000Z-a"});
    CHECK((*dumps)[0].state == StoredDump::State::kernel_log_only);
    CHECK((*dumps)[1].state == StoredDump::State::empty);
    CHECK((*dumps)[2].state == StoredDump::State::incomplete);
    CHECK((*dumps)[3].state == StoredDump::State::complete);
    CHECK((*dumps)[3].bytes >= 3 * 4096);
    CHECK(list_dumps(folder.path("absent")).error().text ==
          "open '" + folder.path("absent") + "': No such file or directory");
}

// On some systems anybody may make folders beside the dumps.
TEST_CASE("what is not root's own is named and left alone") {
    const TemporaryFolder folder;
    put(folder, "20260101T000000Z-a", {"vmcore"});
    put(folder, "20260201T000000Z-writable", {"vmcore"});
    std::filesystem::permissions(folder.path("20260201T000000Z-writable"), std::filesystem::perms(0720));
    put(folder, "20260202T000000Z-a.removing", {"vmcore"});
    std::filesystem::permissions(folder.path("20260202T000000Z-a.removing"), std::filesystem::perms(0777));
    std::filesystem::create_directories(folder.path("20260301T000000Z-fifo"));
    REQUIRE(::mkfifo(folder.path("20260301T000000Z-fifo/vmcore").c_str(), 0600) == 0);
    const bool is_root = ::geteuid() == 0;
    if (is_root) {
        put(folder, "20260401T000000Z-foreign", {"vmcore"});
        REQUIRE(::chown(folder.path("20260401T000000Z-foreign").c_str(), 65534, 65534) == 0);
    }

    const auto dumps = list_dumps(folder.path()).value();
    CHECK(names_of(dumps) == std::vector<std::string>{"20260101T000000Z-a", "20260301T000000Z-fifo"});
    CHECK(dumps.back().state == StoredDump::State::empty);
    const auto foreign = list_foreign(folder.path()).value();
    REQUIRE(foreign.size() == (is_root ? 2 : 1));
    const auto reason_of = [&](std::string_view name) {
        const auto found = std::ranges::find(foreign, name, &ForeignDump::name);
        return found == foreign.end() ? std::string() : found->reason;
    };
    CHECK(reason_of("20260201T000000Z-writable") == "can be written to by others (mode 720)");
    CHECK(reason_of("20260401T000000Z-foreign") == (is_root ? "belongs to user 65534" : ""));

    const auto refused = remove_dump(folder.path(), "20260201T000000Z-writable");
    CHECK(refused.error().text ==
          std::format(
              "remove '{}/20260201T000000Z-writable': it can be written to by others (mode 720), leaving it",
              folder.path()));
    CHECK(list_half_removed(folder.path()).value().empty());
    CHECK_FALSE(finish_removal(folder.path(), "20260202T000000Z-a.removing"));
    CHECK(std::filesystem::exists(folder.path("20260202T000000Z-a.removing/vmcore")));
}

TEST_CASE("what is beyond the retention goes, oldest first") {
    const std::vector<StoredDump> dumps = {dump_of("a", 1, 100), dump_of("b", 5, 100), dump_of("c", 8, 100),
                                           dump_of("d", 9, 100)};
    const struct {
        Retention retention;
        std::vector<std::string> leaving;
    } table[] = {
        {{}, {}},
        {{.count = 4}, {}},
        {{.count = 3}, {"a"}},
        {{.count = 1}, {"a", "b", "c"}},
        {{.days = 9}, {}},
        {{.days = 8}, {"a"}},
        {{.days = 1}, {"a", "b", "c"}},
        {{.bytes = 400}, {}},
        {{.bytes = 399}, {"a"}},
        {{.bytes = 1}, {"a", "b", "c"}},
        {{.count = 3, .days = 5, .bytes = 300}, {"a"}},
        {{.count = 3, .days = 4, .bytes = 300}, {"a", "b"}},
    };
    for (const auto& [retention, leaving] : table)
        CHECK(names_of(beyond_retention(dumps, retention, 10 * day_s)) == leaving);
    CHECK(beyond_retention({}, {.count = 1}, 0).empty());
}

TEST_CASE("the newest stays, and so does the newest that is complete") {
    const std::vector<StoredDump> dumps = {dump_of("a", 1, 100), dump_of("b", 2, 100),
                                           dump_of("c", 3, 100, StoredDump::State::incomplete),
                                           dump_of("d", 4, 100, StoredDump::State::kernel_log_only)};
    CHECK(names_of(beyond_retention(dumps, {.count = 1, .days = 1, .bytes = 1}, 100 * day_s)) ==
          std::vector<std::string>{"a", "c"});
}

TEST_CASE("a dump is removed whole, or not at all") {
    const TemporaryFolder folder;
    put(folder, "20260101T000000Z-a", {"vmcore", "notes of mine"});
    CHECK(remove_dump(folder.path(), "20260101T000000Z-a"));
    CHECK(std::filesystem::is_empty(folder.path()));

    put(folder, "20260101T000000Z-a", {"vmcore"});
    put(folder, "20260101T000000Z-a/analysis", {"result"});
    const auto done = remove_dump(folder.path(), "20260101T000000Z-a");
    REQUIRE_FALSE(done);
    CHECK(done.error().text ==
          "remove '" + folder.path() +
              "/20260101T000000Z-a': there is a folder 'analysis' in it, leaving it all");
    CHECK(std::filesystem::exists(folder.path("20260101T000000Z-a/vmcore")));

    std::filesystem::create_directory_symlink(folder.path("20260101T000000Z-a"),
                                              folder.path("20260102T000000Z-b"));
    CHECK_FALSE(remove_dump(folder.path(), "20260102T000000Z-b"));
    CHECK(std::filesystem::exists(folder.path("20260101T000000Z-a/vmcore")));
}
