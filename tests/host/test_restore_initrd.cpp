// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/descriptor.h"
#include "host/fallback/restore_initrd.h"
#include "tests/builders/faulty_calls.h"
#include "tests/builders/run_program.h"
#include "tests/error_text.h"
#include "tests/host/good_machine.h"

#include <algorithm>
#include <csignal>

#include <doctest/doctest.h>

using namespace lifeboat;
using namespace lifeboat::host;
using tests::error_text;
using tests::GoodMachine;
using tests::initrd_with;

namespace {

constexpr const char* initrd = "boot/initrd.img-6.1";
const std::string first_name = "6.1+20231114T221320Z";
const std::string kept_initrd = "boot/lifeboat/good/" + first_name + "/initrd.img";
const std::string good = initrd_with("first");
const std::string broken = good.substr(0, 200);

struct BrokenMachine : GoodMachine {
    BrokenMachine() {
        REQUIRE(keep());
        std::filesystem::remove(path(initrd));
        write(initrd, broken);
    }
    [[nodiscard]] std::vector<std::string> restore_arguments() const {
        return {LIFEBOAT_PROGRAM, "good", "restore", "--root", paths().root};
    }
};

} // namespace

TEST_CASE("the initrd that is known good takes the place of the broken one") {
    const BrokenMachine machine;
    const auto restored = restore_initrd(machine.paths(), "6.1");
    REQUIRE(error_text(restored) == "no error");
    CHECK(restored->path == "/boot/initrd.img-6.1");
    CHECK(restored->broken == "/boot/initrd.img-6.1.broken");
    CHECK(restored->from == first_name);
    CHECK(restored->notes.empty());
    CHECK(machine.read(initrd) == good);
    CHECK(machine.read("boot/initrd.img-6.1.broken") == broken);
    CHECK_FALSE(std::filesystem::equivalent(machine.path(initrd), machine.path(kept_initrd)));
    CHECK(machine.names_in("boot") ==
          std::vector<std::string>{"initrd.img-6.1", "initrd.img-6.1.broken", "lifeboat", "vmlinuz-6.1"});
    // Once more: an older .broken goes.
    machine.write(initrd, "also broken");
    REQUIRE(restore_initrd(machine.paths(), "6.1"));
    CHECK(machine.read("boot/initrd.img-6.1.broken") == "also broken");
    // And where nothing is there.
    std::filesystem::remove(machine.path(initrd));
    const auto missing = restore_initrd(machine.paths(), "6.1");
    REQUIRE(missing);
    CHECK(missing->broken.empty());
    CHECK(machine.read(initrd) == good);
}

TEST_CASE("what is not as it was kept is not restored") {
    const BrokenMachine machine;
    machine.write(kept_initrd, initrd_with("other"));
    const auto refused = restore_initrd(machine.paths(), "6.1");
    CHECK(error_text(refused).starts_with("no initrd of kernel 6.1 is known good in '" +
                                          machine.path("boot/lifeboat/good") + "': '" +
                                          machine.path(kept_initrd) + "' is not what was kept: "));
    CHECK(machine.read(initrd) == broken);
    CHECK_FALSE(machine.exists("boot/initrd.img-6.1.broken"));
    CHECK(error_text(restore_initrd(machine.paths(), "6.2")) ==
          "no initrd of kernel 6.2 is known good in '" + machine.path("boot/lifeboat/good") + "'");
}

TEST_CASE("an older generation is taken where the newest is spoilt") {
    const GoodMachine machine;
    REQUIRE(machine.keep());
    machine.write(initrd, initrd_with("second"));
    REQUIRE(machine.keep(1'700'000'060));
    machine.write("boot/lifeboat/good/6.1+20231114T221420Z/initrd.img", initrd_with("spoilt"));
    machine.write(initrd, broken);
    const auto restored = restore_initrd(machine.paths(), "6.1");
    REQUIRE(error_text(restored) == "no error");
    CHECK(restored->from == first_name);
    REQUIRE(restored->notes.size() == 1);
    CHECK(restored->notes[0].ends_with(", trying an older one"));
    CHECK(machine.read(initrd) == good);
}

TEST_CASE("a machine that stops in the middle of a restore has the old initrd or the new one") {
    const BrokenMachine untouched;
    const auto calls = tests::run_with_fault(untouched.restore_arguments(), std::nullopt);
    REQUIRE(calls.exit_code == 0);
    CHECK(untouched.read(initrd) == good);
    REQUIRE(calls.calls.size() > 8);
    CHECK(std::ranges::count(calls.calls, "rename") == 2);

    for (std::size_t at = 0; at < calls.calls.size(); ++at) {
        CAPTURE(at);
        CAPTURE(calls.calls[at]);
        const BrokenMachine machine;
        CHECK(tests::run_with_fault(machine.restore_arguments(), at).exit_code == 128 + SIGKILL);
        const std::string now = machine.read(initrd);
        const bool old_or_new = now == broken || now == good;
        CHECK(old_or_new);
        CHECK(machine.read(kept_initrd) == good);
        // The next one brings it to its end, and leaves nothing lying about.
        CHECK(tests::run_program(machine.restore_arguments()).exit_code == 0);
        CHECK(machine.read(initrd) == good);
        CHECK(machine.read("boot/initrd.img-6.1.broken") == broken);
        CHECK(machine.names_in("boot") ==
              std::vector<std::string>{"initrd.img-6.1", "initrd.img-6.1.broken", "lifeboat", "vmlinuz-6.1"});
    }
}

TEST_CASE("whichever call fails, the initrd is the old one or the new one, and nothing half-written stays") {
    const BrokenMachine untouched;
    const auto calls = tests::run_with_fault(untouched.restore_arguments(), std::nullopt);
    for (const int os_error : {ENOSPC, EIO})
        for (std::size_t at = 0; at < calls.calls.size(); ++at) {
            CAPTURE(at);
            CAPTURE(calls.calls[at]);
            const BrokenMachine machine;
            const auto run = tests::run_with_fault(machine.restore_arguments(), at, os_error);
            const std::string now = machine.read(initrd);
            CHECK((now == good || (now == broken && run.exit_code == 1)));
            CHECK(machine.read(kept_initrd) == good);
            if (calls.calls[at] != "unlink")
                CHECK(std::ranges::none_of(machine.names_in("boot"), [](const std::string& name) {
                    return name.contains("incomplete");
                }));
        }
}

// As on FAT: link(2) says EPERM there.
TEST_CASE("without hard links the broken initrd is beside it all the same") {
    const BrokenMachine untouched;
    const auto calls = tests::run_with_fault(untouched.restore_arguments(), std::nullopt);
    const auto link = std::ranges::find(calls.calls, "link");
    REQUIRE(link != calls.calls.end());
    const BrokenMachine machine;
    const auto run = tests::run_with_fault(machine.restore_arguments(),
                                           static_cast<std::size_t>(link - calls.calls.begin()), EPERM);
    CHECK(run.exit_code == 0);
    CHECK(std::ranges::contains(run.calls, "renameat2"));
    CHECK(machine.read(initrd) == good);
    CHECK(machine.read("boot/initrd.img-6.1.broken") == broken);
    CHECK(machine.names_in("boot") ==
          std::vector<std::string>{"initrd.img-6.1", "initrd.img-6.1.broken", "lifeboat", "vmlinuz-6.1"});
}

TEST_CASE("without room the initrd is linked, which is said") {
    const BrokenMachine machine;
    std::string command = "(ulimit -f 0; trap '' XFSZ; exec";
    for (const std::string& argument : machine.restore_arguments())
        command += " '" + argument + "'";
    const auto run = tests::run_program({"/bin/sh", "-c", command + " 2>&1) | cat"});
    CHECK(run.out.contains("restored by link from " + first_name));
    CHECK(run.out.contains("there is no room for a copy: "));
    CHECK(machine.read(initrd) == good);
    CHECK(std::filesystem::equivalent(machine.path(initrd), machine.path(kept_initrd)));
    CHECK(machine.read("boot/initrd.img-6.1.broken") == broken);
    // From a link to a copy, once there is room.
    REQUIRE(restore_initrd(machine.paths(), "6.1"));
    CHECK_FALSE(std::filesystem::equivalent(machine.path(initrd), machine.path(kept_initrd)));
}

TEST_CASE("the command says what it has found and done") {
    const BrokenMachine machine;
    auto run = tests::run_program({LIFEBOAT_PROGRAM, "good", "check", "--root", machine.paths().root});
    CHECK(run.exit_code == 1);
    CHECK(run.out.starts_with("/boot/initrd.img-6.1: broken: "));
    run = tests::run_program(machine.restore_arguments());
    CHECK(run.exit_code == 0);
    CHECK(run.err == "");
    CHECK(run.out.contains("/boot/initrd.img-6.1: restored by copy from " + first_name +
                           ", what was there is /boot/initrd.img-6.1.broken\n") !=
          run.out.contains("/boot/initrd.img-6.1: restored by reflink from " + first_name +
                           ", what was there is /boot/initrd.img-6.1.broken\n"));
    run = tests::run_program(
        {LIFEBOAT_PROGRAM, "good", "check", "--kernel", "6.1", "--root", machine.paths().root});
    CHECK(run.exit_code == 0);
    CHECK(run.out.starts_with("/boot/initrd.img-6.1: whole"));
    run = tests::run_program(machine.restore_arguments());
    CHECK(run.out == "every installed initrd is whole, nothing is restored\n");
    run = tests::run_program({LIFEBOAT_PROGRAM, "good", "list", "--root", machine.paths().root});
    CHECK(run.out.starts_with(first_name + " kernel 6.1 ("));
    for (const std::vector<std::string>& wrong :
         {std::vector<std::string>{"repair"}, {"drop"}, {"list", "x"}, {"restore", "a", "b"}, {}}) {
        std::vector<std::string> arguments = {LIFEBOAT_PROGRAM, "good"};
        arguments.append_range(wrong);
        CHECK(tests::run_program(arguments).exit_code == 2);
    }
}
