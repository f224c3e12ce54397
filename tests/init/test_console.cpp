// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/console.h"
#include "tests/fakes/fake_system.h"
#include "tests/fakes/temporary_system.h"

#include <array>
#include <csignal>

#include <doctest/doctest.h>
#include <unistd.h>

using namespace lifeboat;

namespace {

struct Pipe {
    Pipe() {
        int ends[2];
        REQUIRE(::pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0);
        reading = Descriptor(ends[0]);
        writing = Descriptor(ends[1]);
    }
    std::string take() {
        std::string text;
        std::array<char, 4096> buffer;
        for (ssize_t count; (count = ::read(reading.get(), buffer.data(), buffer.size())) > 0;)
            text.append(buffer.data(), static_cast<std::size_t>(count));
        return text;
    }
    Descriptor reading, writing;
};

} // namespace

TEST_CASE("each line says who speaks, in printable characters") {
    Pipe pipe;
    Console console = Console::on(std::move(pipe.writing));
    console.write_line("target: LABEL=\x1b[2J\xff");
    CHECK(pipe.take() == "lifeboat: target: LABEL=\\x1b[2J\\xff\n");
    CHECK_FALSE(console.has_pending());
}

TEST_CASE("a blocked console never blocks, and what did not fit is told") {
    Pipe pipe;
    Console console = Console::on(std::move(pipe.writing));
    for (int i = 0; i < 5000; ++i)
        console.write_line(std::format("line {:4} {}", i, std::string(80, '.')));
    CHECK(console.has_pending());
    console.flush(10, Deadline::after_ms(10'000)); // nobody reads: gives up after 10 ms
    CHECK(console.has_pending());
    std::string shown = pipe.take();
    console.write_pending();
    shown += pipe.take();
    console.write_line("the end");
    console.write_pending();
    shown += pipe.take();
    CHECK(shown.contains("lifeboat: line    0 ."));
    CHECK(shown.contains(" lines were not shown, the console was too slow)\nlifeboat: the end\n"));
}

TEST_CASE("a console that is gone costs nothing") {
    Pipe pipe;
    Console console = Console::on(std::move(pipe.writing));
    ::signal(SIGPIPE, SIG_IGN);
    pipe.reading.reset();
    console.write_line("to nobody");
    CHECK_FALSE(console.has_pending());
}

TEST_CASE("without any device lines are dropped") {
    fakes::reset();
    fakes::fail_call("make_node", EPERM);
    const fakes::TemporarySystem system;
    Console console = Console::open(system.paths());
    CHECK(console.fd() == -1);
    console.write_line("to nobody");
    CHECK_FALSE(console.has_pending());
}

TEST_CASE("where /dev has none, nodes are made: the console's, else the kernel log's") {
    fakes::reset();
    const fakes::TemporarySystem system;
    system.write("as-kmsg", "");
    fakes::fail_call("make_node " + system.path("nodes/console"), EPERM);
    fakes::give_node("kmsg", system.path("as-kmsg"));
    Console console = Console::open(system.paths());
    console.write_line("one");
    console.write_line("two");
    CHECK(system.read("as-kmsg") == "lifeboat: one\nlifeboat: two\n");
}
