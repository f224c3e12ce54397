// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/machine/resolved_path.h"
#include "tests/builders/fake_machine.h"
#include "tests/error_text.h"

#include <filesystem>

#include <doctest/doctest.h>

using namespace lifeboat::host;
namespace tests = lifeboat::tests;

TEST_CASE("a path is resolved as it is seen from within the root") {
    const tests::FakeMachine machine("");
    const auto link = [&](const std::string& name, const std::string& target) {
        std::filesystem::create_symlink(target, machine.path(name));
    };
    std::filesystem::create_directories(machine.path("srv/dumps"));
    std::filesystem::create_directories(machine.path("var"));
    link("var/crash", "/srv/dumps");
    link("srv/back", "../var");
    link("srv/circle", "circle");
    const struct {
        std::string_view path, resolved;
    } rows[] = {
        {"/", "/"},
        {"//srv/./dumps/", "/srv/dumps"},
        {"/var/crash", "/srv/dumps"},
        {"/var/crash/new/one", "/srv/dumps/new/one"},
        {"/srv/back/crash", "/srv/dumps"},
        {"/srv/../../../srv", "/srv"},
        {"/none/../srv", "/srv"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.path);
        CHECK(resolve_path(machine.root(), row.path).value() == row.resolved);
    }
    CHECK(tests::error_text(resolve_path(machine.root(), "/srv/circle/x")) ==
          "follow '/srv/circle/x': more than 40 symlinks");
}

TEST_CASE("what is below what") {
    CHECK(is_below("/var/crash", "/var"));
    CHECK(is_below("/var", "/var"));
    CHECK(is_below("/var", "/"));
    CHECK_FALSE(is_below("/variety", "/var"));
    CHECK(path_below("/var/crash", "/var") == "/crash");
    CHECK(path_below("/var", "/var") == "/");
    CHECK(path_below("/var", "/") == "/var");
    CHECK(joined_path("/", "/crash") == "/crash");
    CHECK(joined_path("/a", "/") == "/a");
    CHECK(joined_path("/a", "/b") == "/a/b");
}
