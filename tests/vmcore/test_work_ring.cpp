// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/work_ring.h"

#include <algorithm>
#include <atomic>

#include <doctest/doctest.h>

using namespace lifeboat;

TEST_CASE("work comes back in order, each piece once, whatever the number of threads") {
    for (const std::size_t threads : {1U, 2U, 5U}) {
        constexpr std::size_t capacity = 4;
        std::vector<std::uint64_t> places(capacity);
        std::vector<std::uint64_t> taken;
        WorkRing ring(threads, capacity, [&](std::size_t thread, std::uint64_t number) {
            CHECK(thread < threads);
            places[number % capacity] = number * number;
        });
        const auto done = ring.run([](std::uint64_t number) -> Result<bool> { return number < 1000; },
                                   [&](std::uint64_t number) -> Result<> {
                                       CHECK(places[number % capacity] == number * number);
                                       taken.push_back(number);
                                       return {};
                                   });
        CHECK(done);
        CHECK(taken.size() == 1000);
        CHECK(std::ranges::is_sorted(taken));
    }
}

TEST_CASE("the first error ends it, and no thread is left at work") {
    for (const std::size_t threads : {1U, 3U}) {
        std::atomic<int> at_work = 0;
        {
            WorkRing ring(threads, 6, [&](std::size_t, std::uint64_t) {
                ++at_work;
                --at_work;
            });
            const auto done = ring.run(
                [](std::uint64_t number) -> Result<bool> {
                    return number < 100 ? Result<bool>(true) : fail(ErrorKind::no_data, "nothing more");
                },
                [](std::uint64_t) -> Result<> { return {}; });
            REQUIRE_FALSE(done);
            CHECK(done.error().text == "nothing more");
        }
        CHECK(at_work == 0);
    }
}

TEST_CASE("nothing to do is done at once") {
    WorkRing ring(2, 4, [](std::size_t, std::uint64_t) { FAIL("there is no work"); });
    CHECK(ring.run([](std::uint64_t) -> Result<bool> { return false; },
                   [](std::uint64_t) -> Result<> { return {}; }));
}
