// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/result.h"
#include "base/scope_guard.h"
#include "tests/error_text.h"

#include <memory>

#include <doctest/doctest.h>

using namespace lifeboat;
using lifeboat::tests::error_text;

namespace {

Result<std::unique_ptr<int>> make(bool succeed) {
    if (!succeed)
        return fail(ErrorKind::corrupt, "make {}: {}", "it", 1);
    return std::make_unique<int>(7);
}

Result<int> use(bool succeed, bool& reached) {
    const std::unique_ptr<int> made = TRY(make(succeed).transform_error(while_doing("use it")));
    reached = true;
    return *made;
}

} // namespace

TEST_CASE("TRY gives the value, also one that can only be moved") {
    bool reached = false;
    const auto result = use(true, reached);
    REQUIRE(result);
    CHECK(*result == 7);
    CHECK(reached);
}

TEST_CASE("TRY returns the error, and each layer may put its own words in front") {
    bool reached = false;
    const auto result = use(false, reached);
    CHECK(error_text(result) == "use it: make it: 1");
    CHECK(result.error().kind == ErrorKind::corrupt);
    CHECK(result.error().os_error == 0);
    CHECK_FALSE(reached);
}

TEST_CASE("errno becomes an error with its words; a full disk is a kind of its own") {
    const struct {
        int os_error;
        ErrorKind kind;
        std::string_view text;
    } table[] = {
        {ENOENT, ErrorKind::system, "open 'x': No such file or directory"},
        {ENOSPC, ErrorKind::no_space, "open 'x': No space left on device"},
        {EDQUOT, ErrorKind::no_space, "open 'x': Disk quota exceeded"},
        {EFBIG, ErrorKind::no_space, "open 'x': File too large"},
    };
    for (const auto& [os_error, kind, text] : table) {
        errno = os_error;
        const Result<> result = fail_system("open '{}'", "x");
        CHECK(error_text(result) == text);
        CHECK(result.error().kind == kind);
        CHECK(result.error().os_error == os_error);
    }
}

TEST_CASE("a scope guard acts unless it is disarmed") {
    int undone = 0;
    {
        const ScopeGuard undo([&] { ++undone; });
    }
    CHECK(undone == 1);
    {
        ScopeGuard undo([&] { ++undone; });
        undo.disarm();
    }
    CHECK(undone == 1);
}
