// SPDX-License-Identifier: GPL-2.0-or-later
// list and prune, over folders as the crash kernel leaves them.
#include "base/text.h"
#include "host/crash_reason.h"
#include "host/dump_store.h"
#include "tests/builders/core_builder.h"
#include "tests/builders/run_program.h"
#include "tests/builders/temporary_folder.h"

#include <filesystem>
#include <format>
#include <fstream>

#include <doctest/doctest.h>

using namespace lifeboat::host;
using namespace lifeboat::tests;

namespace {

struct Store {
    TemporaryFolder folder;
    std::string crash = folder.path("crash");
    std::string config = folder.path("lifeboat.conf");

    explicit Store(std::string_view more = "") {
        std::filesystem::create_directory(crash);
        std::ofstream(config) << "target = " << crash << "\n" << more;
    }

    void put(const std::string& name, const std::string& file, const std::string& text) const {
        std::filesystem::create_directories(crash + "/" + name);
        std::ofstream(crash + "/" + name + "/" + file) << text;
    }
    [[nodiscard]] bool has(const std::string& name) const {
        return std::filesystem::exists(crash + "/" + name);
    }

    [[nodiscard]] ProgramResult run(std::vector<std::string> words) const {
        words.insert(words.begin(), LIFEBOAT_PROGRAM);
        words.push_back("--config=" + config);
        return run_program(words);
    }
};

} // namespace

TEST_CASE("list shows what was captured, with kernel and reason") {
    const Store store;
    store.put("20260101T000000Z-web", "vmcore-dmesg.txt",
              "[    1.000000] Linux version\n[   12.250000] Kernel panic - not syncing: out of coffee\n");
    store.put("20260201T000000Z-web", "vmcore-dmesg.txt",
              "[   12.2] sysrq: Trigger a crash\n[ 13.0] BUG: x\n");
    BuiltCore::from("ram 0x1000000..0x1900000\nkernel 6.12").write(store.folder.path("core"));
    REQUIRE(run_program({LIFEBOAT_PROGRAM, "filter", store.folder.path("core"),
                         store.crash + "/20260201T000000Z-web/vmcore"})
                .exit_code == 0);
    const ProgramResult text = store.run({"list"});
    CHECK(text.exit_code == 0);
    CHECK(text.err == "");
    CHECK(text.out.starts_with(store.crash + "/20260101T000000Z-web  log-only"));
    CHECK(text.out.contains("  ?  Kernel panic - not syncing: out of coffee\n"));
    CHECK(text.out.contains("/20260201T000000Z-web  complete"));
    CHECK(text.out.contains("  sysrq: Trigger a crash\n"));

    const ProgramResult json = store.run({"list", "--json"});
    CHECK(json.out.starts_with("{\"dumps\": [{\"path\": "));
    CHECK(json.out.contains("\"state\": \"log-only\", \"crash_time\": 1767225600, \"host\": \"web\""));
    CHECK(json.out.contains("\"kernel\": \"6.12"));
    CHECK(run_program({LIFEBOAT_PROGRAM, "list", store.crash}).out == text.out);
}

TEST_CASE("a dump that could not be filtered as it was asked for says so") {
    const Store store;
    const struct {
        std::string_view name;
        std::string_view levels;
        std::string_view end;
    } table[] = {
        {"20260101T000000Z-as-asked", "level=31 folder=/x asked_level=31", "  ?\n"},
        {"20260201T000000Z-lesser", "level=1 folder=/x asked_level=31",
         "  ?  (level 1 instead of 31: its lifeboat.log says why)\n"},
        {"20260301T000000Z-more-left-out", "level=31 folder=/x asked_level=1", "  ?\n"}, // for want of space
        {"20260401T000000Z-older-lifeboat", "level=31 folder=/x", "  ?\n"},
    };
    std::string expected;
    for (const auto& [name, levels, end] : table) {
        store.put(std::string(name), "lifeboat.log",
                  std::format("[    0.1] i start\n[    2.0] i so far: summary result=saved {}\n", levels));
        expected += end;
    }
    std::string ends;
    for (const std::string_view line : lifeboat::split_lines(store.run({"list"}).out))
        if (!line.empty())
            ends += std::string(line.substr(line.find("  ?  ") + 3)) + "\n";
    CHECK(ends == expected);
    CHECK(store.run({"list", "--json"}).out.contains("\"lesser_level\": \"level 1 instead of 31\""));
}

TEST_CASE("nothing captured is no error, a folder that cannot be read is") {
    const Store store;
    CHECK(store.run({"list"}).exit_code == 0);
    CHECK(store.run({"list"}).out == "");
    CHECK(store.run({"list", store.folder.path("absent")}).exit_code == 0);
    const ProgramResult result = store.run({"list", store.config});
    CHECK(result.exit_code == 1);
    CHECK(result.err == std::format("lifeboat list: open '{}': Not a directory\n", store.config));
}

TEST_CASE("a target that is not mounted is named") {
    const Store store("target = UUID=00000000-1111-2222-3333-444444444444 /crash ext4\n");
    const ProgramResult result = store.run({"list"});
    CHECK(result.exit_code == 0);
    CHECK(
        result.err ==
        "lifeboat list: target 'UUID=00000000-1111-2222-3333-444444444444 /crash ext4': "
        "no block device has UUID=00000000-1111-2222-3333-444444444444: 'blkid' lists those that are there, "
        "its dumps are not listed\n");
}

TEST_CASE("prune removes beyond the configuration's retention, or beyond that of the command line") {
    const Store store("keep.count = 2\n");
    for (const char* name : {"20260101T000000Z-a", "20260102T000000Z-a", "20260103T000000Z-a"})
        store.put(name, "vmcore", "x");
    const ProgramResult told = store.run({"prune", "--dry-run"});
    CHECK(told.exit_code == 0);
    CHECK(told.out.starts_with(std::format("would remove {}/20260101T000000Z-a (complete, ", store.crash)));
    CHECK(store.has("20260101T000000Z-a"));

    const ProgramResult pruned = store.run({"prune"});
    CHECK(pruned.exit_code == 0);
    CHECK(pruned.out.starts_with(std::format("removed {}/20260101T000000Z-a (complete, ", store.crash)));
    CHECK_FALSE(store.has("20260101T000000Z-a"));
    CHECK(store.has("20260102T000000Z-a"));

    CHECK(store.run({"prune"}).out == "");
    CHECK(store.run({"prune", "--count=1"}).exit_code == 0);
    CHECK_FALSE(store.has("20260102T000000Z-a"));
    CHECK(store.run({"prune", "--size=1K", "--days=1"}).out == "");
    CHECK(store.has("20260103T000000Z-a"));
}

TEST_CASE("prune ends a removal that was cut off") {
    const Store store;
    store.put("20260101T000000Z-a.removing", "vmcore", "x");
    store.put("mine.removing", "vmcore", "x");
    CHECK(
        store.run({"prune", "--dry-run"}).out ==
        std::format("would remove {}/20260101T000000Z-a.removing (the rest of a removal that was cut off)\n",
                    store.crash));
    CHECK(store.has("20260101T000000Z-a.removing/vmcore"));
    const ProgramResult result = store.run({"prune"});
    CHECK(result.exit_code == 0);
    CHECK(result.out ==
          std::format("removed {}/20260101T000000Z-a.removing (the rest of a removal that was cut off)\n",
                      store.crash));
    CHECK_FALSE(store.has("20260101T000000Z-a.removing"));
    CHECK(store.has("mine.removing/vmcore"));
}

TEST_CASE("prune goes on behind a dump that cannot be removed, and says so") {
    const Store store("keep.count = 1\n");
    store.put("20260101T000000Z-a/mine", "notes", "x");
    store.put("20260102T000000Z-a", "vmcore", "x");
    store.put("20260103T000000Z-a", "vmcore", "x");
    const ProgramResult result = store.run({"prune"});
    CHECK(result.exit_code == 1);
    CHECK(result.err ==
          std::format("lifeboat prune: remove '{}/20260101T000000Z-a': there is a folder 'mine' in it, "
                      "leaving it all\n"
                      "lifeboat prune: 1 dumps that should have gone are still there\n",
                      store.crash));
    CHECK(store.has("20260101T000000Z-a/mine/notes"));
    CHECK_FALSE(store.has("20260102T000000Z-a"));
    CHECK(store.run({"prune", "--size=lots"}).exit_code == 2);
}

TEST_CASE("the reason of a crash is the first line that names one") {
    const struct {
        std::string_view log;
        std::string_view reason;
    } table[] = {
        {"", ""},
        {"[    0.0] Linux version 6.1\n", ""},
        {"[ 1.0] BUG: kernel NULL pointer dereference, address: 0\n[ 1.1] Kernel panic - not syncing: "
         "Fatal\n",
         "BUG: kernel NULL pointer dereference, address: 0"},
        {"[ 1.0] kernel BUG at mm/slub.c:1!\n", "kernel BUG at mm/slub.c:1!"},
        {"[ 1.0] foo: not a BUG: here\n[ 2.0] Kernel panic - not syncing: x\x1b[31m\n",
         "Kernel panic - not syncing: x\\x1b[31m"},
        {"Kernel panic - not syncing: no times", "Kernel panic - not syncing: no times"},
    };
    for (const auto& [log, reason] : table)
        CHECK(find_crash_reason(log) == reason);
}

TEST_CASE("a folder that others can write to pushes no dump out, and is named") {
    const Store store("keep.count = 1\n");
    store.put("20260101T000000Z-web", "vmcore", "x");
    store.put("20270101T000000Z-evil\x1b[2J", "vmcore", "x");
    std::filesystem::permissions(store.crash + "/20270101T000000Z-evil\x1b[2J", std::filesystem::perms(0777));
    const ProgramResult listed = store.run({"list"});
    CHECK(listed.out.contains(std::format(
        "{}/20270101T000000Z-evil\\x1b[2J  foreign  can be written to by others (mode 777): left alone\n",
        store.crash)));
    CHECK(store.run({"list", "--json"})
              .out.contains(std::format("\"foreign\": [{{\"path\": \"{}/20270101T000000Z-evil\\u001b[2J\", "
                                        "\"reason\": \"can be written to by others (mode 777)\"}}]",
                                        store.crash)));
    const ProgramResult pruned = store.run({"prune", "--days=1"});
    CHECK(pruned.out == "");
    CHECK(pruned.exit_code == 0);
    CHECK(store.has("20260101T000000Z-web"));
}

// Names come from whoever made the folder, and from a kernel that is dead.
TEST_CASE("nothing that is printed tells the terminal what to do") {
    const Store store;
    store.put("20260101T000000Z-a\x1b]0;x\a", "vmcore-dmesg.txt", "[ 1.0] BUG: x\n");
    CHECK_FALSE(store.run({"list"}).out.contains('\x1b'));
    CHECK_FALSE(store.run({"prune", "--count=1"}).out.contains('\x1b'));
    const std::string error = store.run({"list", store.config + "/\x1b[2J"}).err;
    CHECK(error.ends_with("/\\x1b[2J': Not a directory\n"));
}
