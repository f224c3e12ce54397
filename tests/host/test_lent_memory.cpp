// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/crash_kernel/lent_memory.h"

#include <string>

#include <doctest/doctest.h>

using namespace lifeboat::host;

TEST_CASE("memory that is lent to user space until a panic") {
    const struct {
        std::string_view ranges;
        std::uint64_t bytes;
        unsigned sections;
    } rows[] = {
        {"", 0, 0},
        {"08000000-0fffffff\n", 128U << 20, 1},
        {"0c000000-13ffffff\n", 128U << 20, 2},
        {"08000000-08ffffff\n18000000-18ffffff\n", 32U << 20, 2},
        {"08000000\nnone\n-\nx-y\n0fffffff-08000000\n", 0, 0},
    };
    for (const auto& row : rows) {
        CAPTURE(row.ranges);
        const LentMemory lent = parse_lent_memory(row.ranges);
        CHECK(lent.bytes == row.bytes);
        CHECK(lent.sections == row.sections);
    }
}

TEST_CASE("at which levels the dump lacks something by it") {
    const LentMemory lent{.bytes = 64U << 20, .sections = 1};
    for (const unsigned level : {0U, 1U, 7U, 16U, 23U}) {
        CHECK(does_lent_memory_lack(lent, level));
        CHECK_FALSE(does_lent_memory_lack({}, level));
        CHECK(lent_memory_text(lent, level).contains("is in no dump"));
    }
    for (const unsigned level : {8U, 15U, 31U}) {
        CHECK_FALSE(does_lent_memory_lack(lent, level));
        CHECK(lent_memory_text(lent, level).contains("waits 10 s"));
    }
}
