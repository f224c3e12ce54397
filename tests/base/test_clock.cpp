// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/clock.h"

#include <doctest/doctest.h>
#include <unistd.h>

using namespace lifeboat;

TEST_CASE("a deadline passes and never comes back") {
    CHECK(Deadline::after_ms(0).has_passed());
    CHECK(Deadline::after_ms(-5).remaining_ms() == 0);
    const Deadline soon = Deadline::after_ms(20);
    CHECK_FALSE(soon.has_passed());
    CHECK(soon.remaining_ms() <= 20);
    ::usleep(25'000);
    CHECK(soon.has_passed());
}

TEST_CASE("poll never waits longer than asked for, nor past the deadline") {
    CHECK(Deadline::never().remaining_ms() == INT64_MAX);
    CHECK(Deadline::never().poll_timeout_ms(500) == 500);
    CHECK(Deadline::after_ms(100).poll_timeout_ms(500) <= 100);
    CHECK(Deadline::after_ms(100'000).poll_timeout_ms(500) == 500);
    CHECK(Deadline::after_ms(0).poll_timeout_ms(500) == 0);
}

TEST_CASE("the earlier of two deadlines") {
    CHECK(Deadline::never().earlier_of(Deadline::after_ms(0)).has_passed());
    CHECK(Deadline::after_ms(0).earlier_of(Deadline::never()).has_passed());
}
