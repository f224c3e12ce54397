// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/json_object.h"

#include <format>

namespace lifeboat::host {

std::string json_string(std::string_view text) {
    std::string quoted = "\"";
    for (const char character : text) {
        const auto byte = static_cast<unsigned char>(character);
        if (byte < 0x20 || byte >= 0x7f)
            quoted += std::format("\\u{:04x}", byte);
        else if (character == '"' || character == '\\')
            (quoted += '\\') += character;
        else
            quoted += character;
    }
    return quoted + "\"";
}

void JsonObject::add(std::string_view name, std::span<const std::string> values) {
    std::string list;
    for (const std::string& value : values)
        list += (list.empty() ? "" : ", ") + json_string(value);
    add_raw(name, "[" + list + "]");
}

void JsonObject::add(std::string_view name, std::span<const JsonObject> values) {
    std::string list;
    for (const JsonObject& value : values)
        list += (list.empty() ? "" : ", ") + value.text();
    add_raw(name, "[" + list + "]");
}

void JsonObject::add_raw(std::string_view name, std::string_view value) {
    if (!members_.empty())
        members_ += ", ";
    ((members_ += json_string(name)) += ": ") += value;
}

} // namespace lifeboat::host
