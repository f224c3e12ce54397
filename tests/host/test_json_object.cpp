// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/json_object.h"

#include <doctest/doctest.h>

using namespace lifeboat::host;

TEST_CASE("a string is its characters, in ASCII") {
    const struct {
        std::string_view text;
        std::string_view json;
    } rows[] = {
        {"", R"("")"},
        {R"(a "b" \c)", R"("a \"b\" \\c")"},
        {"tab\tend\x7f", R"("tab\u0009end\u007f")"},
        {"Stra\xc3\x9f"
         "e",
         R"("Stra\u00dfe")"},
        {"\xe2\x82\xac", R"("\u20ac")"},
        {"\xf0\x9f\x9a\xa3", R"("\ud83d\udea3")"},
        // What is no UTF-8: a byte alone, one too few, a longer form, half of a pair, beyond the last.
        {"\xff.", R"("\ufffd.")"},
        {"\xbf.", R"("\ufffd.")"},
        {"\xc3", R"("\ufffd")"},
        {"\xe2\x82.", R"("\ufffd\ufffd.")"},
        {"\xc0\xaf", R"("\ufffd\ufffd")"},
        {"\xed\xa0\x80", R"("\ufffd\ufffd\ufffd")"},
        {"\xf4\x90\x80\x80", R"("\ufffd\ufffd\ufffd\ufffd")"},
        {"\xf8\x88\x80\x80\x80", R"("\ufffd\ufffd\ufffd\ufffd\ufffd")"},
    };
    for (const auto& row : rows)
        CHECK(json_string(row.text) == row.json);
}
