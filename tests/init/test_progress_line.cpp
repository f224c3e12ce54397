// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/progress_line.h"

#include <doctest/doctest.h>

using namespace lifeboat;

namespace {

DumpProgress copied(std::uint64_t done, std::uint64_t total) {
    return {DumpProgress::Phase::copying, done, total, done * 1000};
}

} // namespace

TEST_CASE("a progress line has percent, rate and the time left") {
    ProgressLine line(0, 4096);
    CHECK_FALSE(line.note(copied(0, 1'000'000), 0));
    CHECK(line.note(copied(250'000, 1'000'000), 4000) ==
          "vmcore: 25 % copied, 256 MB/s, 250 MB written, 12 s left");
}

TEST_CASE("while memory is classified there is only its share") {
    ProgressLine line(0, 4096);
    CHECK(line.note({DumpProgress::Phase::scanning, 1, 3, 0}, 2000) == "vmcore: 33 % of memory classified");
}

TEST_CASE("lines are few") {
    ProgressLine line(0, 4096);
    CHECK_FALSE(line.note(copied(500, 1000), 1999)); // not within two seconds
    CHECK(line.note(copied(500, 1000), 2000));       // the first one then
    CHECK_FALSE(line.note(copied(599, 1000), 5000)); // no new tenth
    CHECK(line.note(copied(600, 1000), 5001));
    CHECK_FALSE(line.note(copied(1000, 1000), 7000));
    CHECK(line.note(copied(601, 1000), 15'001)); // ten seconds of silence are enough
}

TEST_CASE("numbers that cannot be divided by") {
    ProgressLine line(0, 4096);
    CHECK(line.note({DumpProgress::Phase::copying, 0, 0, 0}, 3000) == "vmcore: 100 % copied");
    CHECK(line.note(copied(UINT64_MAX, UINT64_MAX), 15'000).has_value());
}
