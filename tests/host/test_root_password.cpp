// SPDX-License-Identifier: GPL-2.0-or-later
// That the right password opens and a wrong one does not is shown in QEMU, where there is a system to ask.
#include "host/console/root_password.h"
#include "tests/error_text.h"
#include "tests/fakes/temporary_system.h"

#include <doctest/doctest.h>

using namespace lifeboat;
using namespace lifeboat::host;

namespace {

RootPassword with_shadow(const fakes::TemporarySystem& system, const std::string& content) {
    system.write("etc/shadow", content);
    return RootPassword::read(system.path("")).value();
}

} // namespace

TEST_CASE("what root's line in shadow says of a password") {
    const fakes::TemporarySystem system;
    CHECK(with_shadow(system, "daemon:*:1::\nroot:$y$j9T$abc$def:19000:0:::\n").state() ==
          PasswordState::set);
    CHECK(with_shadow(system, "root::19000:0:::\n").state() == PasswordState::empty);
    for (const char* locked : {"root:*:1:\n", "root:!:1:\n", "root:!$6$a$b:1:\n", "root:!!:\n"}) {
        CAPTURE(locked);
        const RootPassword password = with_shadow(system, locked);
        CHECK(password.state() == PasswordState::locked);
        CHECK_FALSE(password.is("").value());
        CHECK_FALSE(password.is("*").value());
    }
}

TEST_CASE("a password that is not needed is right whatever it is") {
    const fakes::TemporarySystem system;
    CHECK(with_shadow(system, "root::1:\n").is("anything").value());
}

TEST_CASE("without a line for root nobody is let in") {
    const fakes::TemporarySystem system;
    CHECK(tests::error_text(RootPassword::read(system.path("")))
              .starts_with("open '" + system.path("") + "/etc/shadow': "));
    system.write("etc/shadow", "toor:$6$a$b:1:\nroots::1\n");
    CHECK(tests::error_text(RootPassword::read(system.path(""))) ==
          "'" + system.path("") + "/etc/shadow' has no line for root");
}
