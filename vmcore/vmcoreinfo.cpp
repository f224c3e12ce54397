// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/vmcoreinfo.h"

#include "base/text.h"

#include <format>

namespace lifeboat {

Vmcoreinfo Vmcoreinfo::parse(std::string_view text) {
    Vmcoreinfo info;
    // The note is padded with zero bytes to a multiple of four.
    info.text_ = text.substr(0, text.find('\0'));
    for (const std::string_view line : split_lines(info.text_))
        if (const auto pair = split_key_value(line))
            info.values_.try_emplace(std::string(pair->key), pair->value);
    return info;
}

std::optional<std::string_view> Vmcoreinfo::value(std::string_view key) const {
    const auto found = values_.find(key);
    if (found == values_.end())
        return std::nullopt;
    return found->second;
}

std::optional<std::string_view> Vmcoreinfo::labelled(std::string_view label, std::string_view name) const {
    return value(std::format("{}({})", label, name));
}

std::optional<std::uint64_t> Vmcoreinfo::symbol(std::string_view name) const {
    return labelled("SYMBOL", name).and_then([](auto text) { return parse_unsigned(text, 16); });
}

std::optional<std::uint64_t> Vmcoreinfo::size(std::string_view name) const {
    return labelled("SIZE", name).and_then([](auto text) { return parse_unsigned(text); });
}

std::optional<std::uint64_t> Vmcoreinfo::offset(std::string_view name) const {
    return labelled("OFFSET", name).and_then([](auto text) { return parse_unsigned(text); });
}

std::optional<std::uint64_t> Vmcoreinfo::length(std::string_view name) const {
    return labelled("LENGTH", name).and_then([](auto text) { return parse_unsigned(text); });
}

std::optional<std::int64_t> Vmcoreinfo::number(std::string_view name) const {
    return labelled("NUMBER", name).and_then(parse_signed);
}

std::optional<std::uint64_t> Vmcoreinfo::page_bytes() const {
    return value("PAGESIZE").and_then([](auto text) { return parse_unsigned(text); });
}

std::optional<std::uint64_t> Vmcoreinfo::kernel_offset() const {
    return value("KERNELOFFSET").and_then([](auto text) { return parse_unsigned(text, 16); });
}

std::optional<std::int64_t> Vmcoreinfo::crash_time() const {
    return value("CRASHTIME").and_then(parse_signed);
}

} // namespace lifeboat
