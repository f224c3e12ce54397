// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/clock.h"
#include "stages/side_process.h"

#include <csignal>
#include <optional>

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace lifeboat;

namespace {

std::optional<std::string> wait_for_answer(SideProcess& process) {
    const Deadline deadline = Deadline::after_ms(20'000);
    while (!deadline.has_passed()) {
        pollfd waited{process.fd(), POLLIN, 0};
        ::poll(&waited, 1, 1000);
        if (auto answer = process.take_answer())
            return answer;
    }
    return std::nullopt;
}

} // namespace

TEST_CASE("the answer comes whole, however long") {
    for (const std::string& text :
         {std::string(), std::string("sda\0ext4\0", 9), std::string(1 << 20, 'x')}) {
        auto process = SideProcess::start([&] { return text; });
        REQUIRE(process.has_value());
        CHECK(wait_for_answer(*process) == text);
    }
}

TEST_CASE("one that dies has said nothing") {
    auto process = SideProcess::start([]() -> std::string {
        ::raise(SIGKILL);
        return "never";
    });
    REQUIRE(process.has_value());
    CHECK(wait_for_answer(*process) == "");
}

TEST_CASE("one that hangs is not waited for, and is killed when it is given up") {
    int ends[2]; // the writing end closes with the process
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const Descriptor reading(ends[0]);
    Descriptor writing(ends[1]);
    const std::int64_t started_ms = monotonic_ms();
    {
        auto process = SideProcess::start([]() -> std::string {
            for (;;)
                ::pause();
        });
        REQUIRE(process.has_value());
        writing.reset();
        CHECK_FALSE(process->take_answer().has_value());
    }
    CHECK(monotonic_ms() - started_ms < 10'000);
    pollfd end{reading.get(), POLLIN, 0};
    CHECK(::poll(&end, 1, 20'000) == 1); // it is gone
}
