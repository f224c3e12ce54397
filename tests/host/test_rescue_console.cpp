// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/console/rescue_console.h"
#include "tests/builders/run_program.h"
#include "tests/fakes/temporary_system.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

using namespace lifeboat;
using namespace lifeboat::host;

namespace {

// What the console says to someone who may do everything, and types this.
std::string said_to(const fakes::TemporarySystem& system, const std::string& typed) {
    system.write("typed", typed);
    const std::string input = system.path("typed");
    const ConsoleSetting setting{
        .paths = system.paths(), .root = system.path("target"), .is_open = true, .idle_ms = 10'000};
    const auto talk = [&] {
        ::dup2(::open(input.c_str(), O_RDONLY), STDIN_FILENO);
        ::_exit(static_cast<int>(run_console(setting)));
    };
    return tests::run_program({"/bin/false"}, talk).out;
}

} // namespace

TEST_CASE("a dump is made where a crash kernel is loaded, whichever name the kernel has for that") {
    const std::string refusal = "no crash kernel is loaded: a panic would save nothing, so there is none\n";
    const struct {
        std::string attribute, content;
        bool panics;
    } rows[] = {
        {"none", "1\n", false},
        {"kexec_crash_loaded", "0\n", false},
        {"kexec_crash_loaded", "1\n", true},
        {"kexec/crash_loaded", "0\n", false},
        {"kexec/crash_loaded", "1\n", true},
    };
    for (const auto& row : rows) {
        CAPTURE(row.attribute);
        CAPTURE(row.content);
        const fakes::TemporarySystem system;
        system.write("sys/kernel/" + row.attribute, row.content);
        system.write("proc/sysrq-trigger", "");
        CHECK(said_to(system, "dump\nreboot\n").contains(refusal) != row.panics);
        CHECK(system.read("proc/sysrq-trigger") == (row.panics ? "c" : ""));
    }
}
