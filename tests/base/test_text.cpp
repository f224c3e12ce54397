// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/text.h"
#include "tests/error_text.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace lifeboat;
using lifeboat::tests::error_text;

namespace {

std::string joined(const std::vector<std::string_view>& parts) {
    std::string all;
    for (const std::string_view part : parts)
        (all += '<') += std::string(part) + '>';
    return all;
}

} // namespace

TEST_CASE("trim takes blanks, tabs and carriage returns off both sides") {
    CHECK(trim("") == "");
    CHECK(trim(" \t\r") == "");
    CHECK(trim("a") == "a");
    CHECK(trim("  a b\t\r") == "a b");
    CHECK(trim("\n a\n") == "\n a\n");
}

TEST_CASE("split_lines") {
    const struct {
        std::string_view text;
        std::string_view lines;
    } table[] = {
        {"", ""},     {"a", "<a>"},           {"a\n", "<a>"},         {"a\nb", "<a><b>"},
        {"\n", "<>"}, {"a\n\nb", "<a><><b>"}, {"a\r\nb", "<a\r><b>"},
    };
    for (const auto& [text, lines] : table) {
        CAPTURE(text);
        CHECK(joined(split_lines(text)) == lines);
    }
}

TEST_CASE("split") {
    CHECK(joined(split("", ',')) == "");
    CHECK(joined(split("rw", ',')) == "<rw>");
    CHECK(joined(split("rw,noatime", ',')) == "<rw><noatime>");
    CHECK(joined(split(",a,,b,", ',')) == "<><a><><b>");
}

TEST_CASE("split_words") {
    CHECK(joined(split_words("")) == "");
    CHECK(joined(split_words(" \t ")) == "");
    CHECK(joined(split_words("one")) == "<one>");
    CHECK(joined(split_words("  one\ttwo  three\r")) == "<one><two><three>");
}

TEST_CASE("split_key_value cuts at the first separator") {
    CHECK_FALSE(split_key_value("no separator"));
    const auto pair = split_key_value(" key =  a = b ");
    REQUIRE(pair);
    CHECK(pair->key == "key");
    CHECK(pair->value == "a = b");
    CHECK(split_key_value("=")->key == "");
    CHECK(split_key_value("a:b", ':')->value == "b");
}

TEST_CASE("parse_unsigned takes digits and nothing else") {
    for (const std::string_view text : {"", " 1", "1 ", "+1", "-1", "0x10", "1a", "18446744073709551616"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_unsigned(text));
    }
    CHECK(parse_unsigned("0") == 0);
    CHECK(parse_unsigned("18446744073709551615") == UINT64_MAX);
    CHECK(parse_unsigned("ffffffff81000000", 16) == 0xffffffff81000000);
    CHECK(parse_unsigned("0xFF", 16) == 255);
    CHECK_FALSE(parse_unsigned("0x", 16));
    CHECK_FALSE(parse_unsigned("0x0x1", 16));
    CHECK_FALSE(parse_unsigned("-1", 16));
}

TEST_CASE("parse_signed") {
    CHECK(parse_signed("-129") == -129);
    CHECK(parse_signed("9223372036854775807") == INT64_MAX);
    CHECK(parse_signed("-9223372036854775808") == INT64_MIN);
    for (const std::string_view text : {"", "-", "--1", "+1", "1.5", "9223372036854775808"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_signed(text));
    }
}

TEST_CASE("parse_in_range names what it found and what it wants") {
    CHECK(parse_in_range("31", 0, 31).value() == 31);
    for (const std::string_view text : {"32", "", "-1", "x"}) {
        const auto result = parse_in_range(text, 0, 31);
        CHECK(error_text(result) == "'" + std::string(text) + "' is not a number from 0 to 31");
        CHECK(result.error().kind == ErrorKind::invalid);
    }
    CHECK(error_text(parse_in_range("0", 1, 256)) == "'0' is not a number from 1 to 256");
}
