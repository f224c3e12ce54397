// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage_messages.h"

#include <doctest/doctest.h>

using namespace lifeboat;

namespace {

// What comes back: the message encoded again, or nothing.
std::string decoded(std::string_view line) {
    const auto message = decode(line);
    return message ? encode(*message) : "";
}

} // namespace

TEST_CASE("messages come back as they were sent") {
    const struct {
        StageMessage message;
        std::string line;
    } rows[] = {
        {LogMessage{LogLevel::info, "text"}, "log i text\n"},
        {LogMessage{LogLevel::warning, "two\nlines \\n"}, "log w two\\nlines \\\\n\n"},
        {LogMessage{LogLevel::error, ""}, "log e \n"},
        {FactMessage{"folder", "a b"}, "fact folder a b\n"},
        {DumpProgress{DumpProgress::Phase::copying, 1, 2, 3}, "progress c 1 2 3\n"},
        {DumpProgress{DumpProgress::Phase::scanning, 0, 0, 0}, "progress s 0 0 0\n"},
        {EndMessage{}, "completed\n"},
        {EndMessage{Error{ErrorKind::no_space, "write: full", 28}}, "failed no_space 28 write: full\n"},
        {EndMessage{Error{ErrorKind::timed_out, "late", 0}}, "failed timed_out 0 late\n"},
    };
    for (const auto& row : rows) {
        CHECK(encode(row.message) == row.line);
        CHECK(decoded(row.line.substr(0, row.line.size() - 1)) == row.line);
    }
    const auto log = decode("log w two\\nlines \\\\n");
    REQUIRE(log);
    CHECK(std::get<LogMessage>(*log).text == "two\nlines \\n");
}

TEST_CASE("what is not a message is dropped") {
    for (const std::string_view line :
         {"", " ", "log", "log x text", "log ii text", "fact", "fact ", "progress", "progress c 1 2",
          "progress x 1 2 3", "progress c 3 2 1", "progress c -1 2 3", "progress c 1 2 99999999999999999999",
          "failed", "failed odd 0 text", "failed system x text", "failed system 99999 text", "Completed"}) {
        CAPTURE(line);
        CHECK(decoded(line).empty());
    }
}

TEST_CASE("lines are cut out of whatever pieces come") {
    LineCutter cutter;
    CHECK(cutter.add("one\ntw") == std::vector<std::string>{"one"});
    CHECK(cutter.add("").empty());
    CHECK(cutter.add("o\n\nthree") == std::vector<std::string>{"two", ""});
    CHECK(cutter.add("\n") == std::vector<std::string>{"three"});
}

TEST_CASE("a line without end takes no memory") {
    LineCutter cutter;
    for (int i = 0; i < 1000; ++i)
        CHECK(cutter.add(std::string(1000, 'x')).empty());
    const auto lines = cutter.add("\nnext\n");
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].size() == LineCutter::limit_bytes);
    CHECK(lines[1] == "next");
}
