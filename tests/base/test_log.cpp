// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/log.h"

#include <doctest/doctest.h>

using namespace lifeboat;

namespace {

struct LogOfLines final : Log {
    std::string lines;
    void write(LogLevel level, std::string_view line) override {
        lines += std::to_string(static_cast<int>(level)) + std::string(line) + "\n";
    }
};

} // namespace

TEST_CASE("lines are formatted and carry their level") {
    LogOfLines log;
    log.info("one {}", 1);
    log.warning("two {:#x}", 2);
    log.error("three {}", "x");
    CHECK(log.lines == "0one 1\n1two 0x2\n2three x\n");
}

TEST_CASE("printable leaves nothing that a terminal would obey") {
    CHECK(printable("plain text ~") == "plain text ~");
    CHECK(printable("a\nb\tc\x1b[31m\x7f") == "a\\x0ab\\x09c\\x1b[31m\\x7f");
    CHECK(printable("caf\xc3\xa9") == "caf\\xc3\\xa9");
    CHECK(printable("C:\\x") == "C:\\x");
    CHECK(printable(std::string_view("\0", 1)) == "\\x00");
}

TEST_CASE("the log in memory has a line's time and level") {
    LogMemory log(4096);
    log.append(0, LogLevel::info, "first");
    log.append(1'234, LogLevel::warning, "second");
    log.append(12'345'678, LogLevel::error, "third");
    CHECK(log.text() == "[    0.000] i first\n[    1.234] w second\n[12345.678] e third\n");
}

TEST_CASE("a full log keeps its beginning and its end, and says what is missing") {
    LogMemory log(80); // two lines of 20 bytes in each half
    for (int i = 0; i < 8; ++i)
        log.append(1000 * i, LogLevel::info, "line " + std::to_string(i) + ".");
    const std::string line_0 = "[    0.000] i line 0.\n";
    CHECK(line_0.size() == 22);
    CHECK(log.text() == line_0 + "... 6 lines are missing here, the log was full\n[    7.000] i line 7.\n");
}

TEST_CASE("a line that does not fit is cut") {
    LogMemory log(64);
    log.append(0, LogLevel::info, std::string(100, 'x'));
    CHECK(log.text() == "[    0.000] i " + std::string(17, 'x') + "\n");
    for (int i = 0; i < 100; ++i)
        log.append(0, LogLevel::info, std::string(static_cast<std::size_t>(i), 'y'));
    CHECK(log.text().size() <= 64 + 64);
}
