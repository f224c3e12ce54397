// SPDX-License-Identifier: GPL-2.0-or-later
// Saving from a core that a builder made, to a folder in place of the mounted target.
#include "stages/copy_vmcore.h"
#include "stages/finish_dump.h"
#include "stages/save_kernel_log.h"
#include "stages/settle_partial_dump.h"
#include "tests/builders/core_builder.h"
#include "tests/error_text.h"
#include "tests/fakes/fake_system.h"
#include "tests/fakes/recording_report.h"
#include "tests/fakes/temporary_system.h"

#include <cerrno>

#include <doctest/doctest.h>

using namespace lifeboat;

namespace {

constexpr const char* machine = "kernel 6.1\n"
                                "ram 0x100000..0x8000000\n"
                                "set CRASHTIME=1738367999\n"
                                "log \"Linux version\" at 0.000001\n"
                                "log \"Kernel panic\" at 12.5\n"
                                "page 0x300 anon\n"
                                "fill 0x301 text \"kept\"\n";
constexpr const char* folder_name = "20250131T235959Z-host";

struct Saving {
    Saving() {
        fakes::reset();
        core.write(system.path("proc/vmcore"));
    }

    [[nodiscard]] SaveRequest request(const std::string& folder = "") const {
        return {system.paths(), "/crash", "host", folder};
    }
    [[nodiscard]] std::string file(const std::string& name) const {
        return std::string("target/crash/") + folder_name + "/" + name;
    }

    fakes::TemporarySystem system;
    tests::BuiltCore core = tests::BuiltCore::from(machine);
    fakes::RecordingReport report;
};

} // namespace

TEST_CASE("the kernel log is saved whole, under its final name, in a folder with the crash's time") {
    Saving saving;
    REQUIRE(tests::error_text(save_kernel_log(saving.request(), saving.report)) == "no error");
    CHECK(saving.report.facts["folder"] == folder_name);
    const std::string log = saving.core.expected_log();
    CHECK(saving.system.read(saving.file("vmcore-dmesg.txt")) == log);
    CHECK(saving.system.mode(saving.file("vmcore-dmesg.txt")) == 0600);
    CHECK(saving.report.facts["dmesg_bytes"] == std::to_string(log.size()));
    CHECK_FALSE(saving.system.exists(saving.file("vmcore-dmesg.txt.incomplete")));
}

TEST_CASE("a second attempt at the kernel log takes the first one's place") {
    Saving saving;
    REQUIRE(save_kernel_log(saving.request(), saving.report).has_value());
    REQUIRE(std::filesystem::remove(saving.system.path(saving.file("vmcore-dmesg.txt"))));
    saving.system.write(saving.file("vmcore-dmesg.txt.incomplete"), "half a li");
    SaveRequest again = saving.request(folder_name);
    again.access = CoreAccess::read;
    REQUIRE(tests::error_text(save_kernel_log(again, saving.report)) == "no error");
    CHECK(saving.report.facts["folder"] == folder_name);
    CHECK(saving.system.read(saving.file("vmcore-dmesg.txt")) == saving.core.expected_log());
    CHECK_FALSE(saving.system.exists(saving.file("vmcore-dmesg.txt.incomplete")));
}

TEST_CASE("without a vmcore there is a folder for the log that says so") {
    Saving saving;
    std::filesystem::remove(saving.system.path("proc/vmcore"));
    CHECK(tests::error_text(save_kernel_log(saving.request(), saving.report)) ==
          "open '" + saving.system.path("proc/vmcore") + "': No such file or directory");
    CHECK(saving.system.exists("target/crash/" + saving.report.facts["folder"]));
}

TEST_CASE("a log that cannot be found leaves no file") {
    Saving saving;
    std::filesystem::remove(saving.system.path("proc/vmcore"));
    tests::BuiltCore::from(std::string(machine) + "omit SYMBOL(prb)\n")
        .write(saving.system.path("proc/vmcore"));
    CHECK_FALSE(save_kernel_log(saving.request(), saving.report));
    CHECK(std::filesystem::is_empty(saving.system.path("target/crash/" + saving.report.facts["folder"])));
}

TEST_CASE("the end of the log, by lines, for a machine without a target") {
    Saving saving;
    CHECK(show_kernel_log_tail(saving.request(), 32, saving.report).has_value());
    CHECK(saving.report.lines == std::vector<std::string>{"| [   12.500000] Kernel panic"});
}

TEST_CASE("the vmcore is copied and gets its final name") {
    Saving saving;
    CHECK(tests::error_text(copy_vmcore({.save = saving.request()}, saving.report)) == "no error");
    CHECK(saving.report.facts["folder"] == folder_name);
    CHECK(saving.report.facts["complete"] == "1");
    CHECK(saving.report.facts["user"] == "1");
    CHECK(saving.system.exists(saving.file("vmcore")));
    CHECK(saving.system.mode(saving.file("vmcore")) == 0600);
    CHECK_FALSE(saving.system.exists(saving.file("vmcore.incomplete")));
    CHECK(saving.report.facts["bytes"] ==
          std::to_string(std::filesystem::file_size(saving.system.path(saving.file("vmcore")))));
}

TEST_CASE("a second attempt that succeeds leaves nothing of the first") {
    Saving saving;
    REQUIRE(save_kernel_log(saving.request(), saving.report).has_value());
    saving.system.write(saving.file("vmcore.incomplete"), "the first");
    CopyRequest request{.save = saving.request(folder_name)};
    request.second_attempt = true;
    request.expected_bytes = 1;
    CHECK(tests::error_text(copy_vmcore(request, saving.report)) == "no error");
    CHECK(saving.system.exists(saving.file("vmcore")));
    CHECK_FALSE(saving.system.exists(saving.file("vmcore.incomplete")));
    CHECK_FALSE(saving.system.exists(saving.file("vmcore.second.incomplete")));
}

TEST_CASE("without room for both, a first attempt that got half way stays") {
    Saving saving;
    REQUIRE(save_kernel_log(saving.request(), saving.report).has_value());
    saving.system.write(saving.file("vmcore.incomplete"), "the first");
    CopyRequest request{.save = saving.request(folder_name)};
    request.second_attempt = true;
    request.expected_bytes = UINT64_MAX;
    request.first_got_half_way = true;
    const auto copied = copy_vmcore(request, saving.report);
    REQUIRE_FALSE(copied);
    CHECK(copied.error().kind == ErrorKind::no_space);
    CHECK(saving.system.read(saving.file("vmcore.incomplete")) == "the first");
    CHECK_FALSE(saving.system.exists(saving.file("vmcore.second.incomplete")));

    request.first_got_half_way = false; // then it is given up
    CHECK(copy_vmcore(request, saving.report).has_value());
    CHECK(saving.system.exists(saving.file("vmcore")));
    CHECK_FALSE(saving.system.exists(saving.file("vmcore.incomplete")));
}

TEST_CASE("the end: the log is written, then the target synced and unmounted") {
    Saving saving;
    REQUIRE(save_kernel_log(saving.request(), saving.report).has_value());
    const FinishRequest request{.save = saving.request(folder_name), .log_text = "a line\n"};
    CHECK(tests::error_text(finish_dump(request, saving.report)) == "no error");
    CHECK(saving.system.read(saving.file("lifeboat.log")) == "a line\n");
    CHECK(saving.system.mode(saving.file("lifeboat.log")) == 0600);
    CHECK(fakes::calls() == std::vector<std::string>{"sync_file_system " + saving.system.path("target"),
                                                     "unmount " + saving.system.path("target")});
}

TEST_CASE("of two partial dumps the one with more pages stays, as vmcore.incomplete") {
    Saving saving;
    REQUIRE(copy_vmcore({.save = saving.request()}, saving.report).has_value());
    const std::string whole = saving.system.read(saving.file("vmcore"));
    std::filesystem::remove(saving.system.path(saving.file("vmcore")));
    const std::uint64_t whole_pages = std::stoull(saving.report.facts["dumped"]);
    const std::string cut = whole.substr(0, whole.size() - 100);
    struct Row {
        std::string first, second, kept;
        bool has_pages;
    };
    const Row rows[] = {
        {whole, cut, whole, true},
        {cut, whole, whole, true},
        {whole, "", whole, true},
        {"", cut, cut, true},
        {"garbage", "other", "garbage", false},
        {"", "", "", false},
        {whole.substr(0, 500), whole.substr(0, 300), whole.substr(0, 500), false},
    };
    for (const Row& row : rows) {
        saving.system.write(saving.file("vmcore.incomplete"), row.first);
        saving.system.write(saving.file("vmcore.second.incomplete"), row.second);
        CHECK(settle_partial_dump(saving.request(folder_name), saving.report).has_value());
        CHECK((saving.system.read(saving.file("vmcore.incomplete")) == row.kept));
        CHECK_FALSE(saving.system.exists(saving.file("vmcore.second.incomplete")));
        CHECK(saving.report.facts["bytes"] == std::to_string(row.kept.size()));
        CHECK((std::stoull(saving.report.facts["dumped"]) > 0) == row.has_pages);
        if (row.kept == whole)
            CHECK(std::stoull(saving.report.facts["dumped"]) == whole_pages);
    }
    std::filesystem::remove(saving.system.path(saving.file("vmcore.incomplete")));
    CHECK(settle_partial_dump(saving.request(folder_name), saving.report).has_value());
    CHECK(saving.report.facts["bytes"] == "0");
}

TEST_CASE("each step of the end is tried, and the first failure told") {
    Saving saving;
    fakes::fail_call("sync_file_system", EIO);
    fakes::fail_call("unmount", EBUSY);
    const auto finished = finish_dump({.save = saving.request("gone"), .log_text = ""}, saving.report);
    CHECK(tests::error_text(finished) == "open 'crash': No such file or directory");
    CHECK(saving.report.lines ==
          std::vector<std::string>{
              "finish: open 'crash': No such file or directory, leaving no lifeboat.log",
              "finish: sync the target: Input/output error, unmounting all the same",
              "finish: unmount the target: Device or resource busy, leaving it mounted",
          });
}
