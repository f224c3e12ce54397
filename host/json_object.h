// SPDX-License-Identifier: GPL-2.0-or-later
// A JSON object, member by member.
//
//     JsonObject page;  page.add("pfn", 7);  page.add("class", "free");  page.text()  ->  {"pfn": 7, ...}
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace lifeboat::host {

// In quotes, in ASCII: other characters as \\uXXXX. Bytes that are no UTF-8, as text out of a dead kernel may
// have them, are U+FFFD each.
std::string json_string(std::string_view text);

class JsonObject {
public:
    void add(std::string_view name, std::string_view value) { add_raw(name, json_string(value)); }
    void add(std::string_view name, const char* value) { add(name, std::string_view(value)); }
    void add(std::string_view name, bool value) { add_raw(name, value ? "true" : "false"); }
    template <std::integral Number>
        requires(!std::same_as<Number, bool>)
    void add(std::string_view name, Number value) {
        add_raw(name, std::to_string(value));
    }
    void add(std::string_view name, const JsonObject& value) { add_raw(name, value.text()); }
    void add(std::string_view name, std::span<const std::string> values);
    void add(std::string_view name, std::span<const JsonObject> values);

    [[nodiscard]] std::string text() const { return "{" + members_ + "}"; }

private:
    void add_raw(std::string_view name, std::string_view value);

    std::string members_;
};

} // namespace lifeboat::host
