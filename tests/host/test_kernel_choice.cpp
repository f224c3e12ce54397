// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/crash_kernel/kernel_choice.h"
#include "tests/error_text.h"
#include "tests/fakes/temporary_system.h"

#include <filesystem>

#include <doctest/doctest.h>

using namespace lifeboat;
using namespace lifeboat::host;
using lifeboat::tests::error_text;

namespace {

struct Machine {
    Machine() {
        system.write("proc/sys/kernel/osrelease", "6.1.0-10\n");
        std::filesystem::create_directories(system.path("var/lib/lifeboat"));
    }
    void pack(const std::string& version) const {
        system.write("var/lib/lifeboat/initrd.img-" + version, "initrd");
        system.write("boot/vmlinuz-" + version, "kernel");
    }
    [[nodiscard]] std::string chosen(const std::string& wanted = "") const {
        const auto choice = choose_kernel(system.paths(), wanted);
        REQUIRE(choice);
        std::string text = choice->version + (choice->kernel ? "" : " missing");
        for (const PackedKernel& other : choice->others)
            text += " " + other.version;
        return text;
    }
    fakes::TemporarySystem system;
};

} // namespace

TEST_CASE("the running kernel's files, and the others behind them, newest first") {
    const Machine machine;
    CHECK(machine.chosen() == "6.1.0-10 missing");
    for (const char* version : {"6.1.0-10", "6.1.0-9", "6.12.1", "6.1.0-11"})
        machine.pack(version);
    CHECK(machine.chosen() == "6.1.0-10 6.12.1 6.1.0-11 6.1.0-9");
    CHECK(machine.chosen("6.1.0-9") == "6.1.0-9 6.12.1 6.1.0-11 6.1.0-10");
    // Half of a pair is no way back.
    machine.system.write("var/lib/lifeboat/initrd.img-6.13", "initrd");
    CHECK(machine.chosen() == "6.1.0-10 6.12.1 6.1.0-11 6.1.0-9");
}

TEST_CASE("a pinned version stays until it is taken back") {
    const Machine machine;
    machine.pack("6.1.0-10");
    machine.pack("6.1.0-9");
    REQUIRE(error_text(pin_version(machine.system.paths(), "6.1.0-9")) == "no error");
    CHECK(machine.system.read("var/lib/lifeboat/pinned") == "6.1.0-9\n");
    CHECK(machine.chosen() == "6.1.0-9 6.1.0-10");
    CHECK(machine.chosen("6.1.0-10") == "6.1.0-10 6.1.0-9");
    CHECK(error_text(unpin_version(machine.system.paths())) == "no error");
    CHECK(error_text(unpin_version(machine.system.paths())) == "no error");
    CHECK(machine.chosen() == "6.1.0-10 6.1.0-9");
}

TEST_CASE("an image beside the initrd is taken before the installed one") {
    const Machine machine;
    machine.pack("6.1");
    CHECK(find_packed_kernel(machine.system.paths(), "6.1")->files.image ==
          machine.system.path("boot/vmlinuz-6.1"));
    machine.system.write("var/lib/lifeboat/vmlinuz-6.1", "kernel");
    CHECK(find_packed_kernel(machine.system.paths(), "6.1")->files.image ==
          machine.system.path("var/lib/lifeboat/vmlinuz-6.1"));
    CHECK(error_text(find_packed_kernel(machine.system.paths(), "6.2")) ==
          "kernel 6.2 has no crash initrd: `lifeboat pack --kernel 6.2` makes it");
    machine.system.write("var/lib/lifeboat/initrd.img-6.2", "initrd");
    CHECK(error_text(find_packed_kernel(machine.system.paths(), "6.2"))
              .starts_with("the image of kernel 6.2 is neither in "));
}

TEST_CASE("links name what is loaded") {
    const Machine machine;
    for (const char* version : {"6.1", "6.2"}) {
        machine.pack(version);
        REQUIRE(error_text(link_packed_kernel(machine.system.paths(),
                                              *find_packed_kernel(machine.system.paths(), version))) ==
                "no error");
    }
    CHECK(std::filesystem::read_symlink(machine.system.path("var/lib/lifeboat/vmlinuz")) ==
          "/boot/vmlinuz-6.2");
    CHECK(std::filesystem::read_symlink(machine.system.path("var/lib/lifeboat/initrd.img")) ==
          "/var/lib/lifeboat/initrd.img-6.2");
}
