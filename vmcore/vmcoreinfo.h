// SPDX-License-Identifier: GPL-2.0-or-later
// VMCOREINFO: what the crashed kernel exported about itself for dump tools, lines of `KEY=value`.
// Source: Linux Documentation/admin-guide/kdump/vmcoreinfo.rst; kernel/vmcore_info.c (crash_core.c
// before 6.9).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace lifeboat {

class Vmcoreinfo {
public:
    Vmcoreinfo() = default;
    // Lines without '=' or with a number that does not parse are passed over: the key then counts as absent.
    static Vmcoreinfo parse(std::string_view text);

    [[nodiscard]] bool empty() const { return values_.empty(); }
    [[nodiscard]] const std::string& text() const { return text_; }

    [[nodiscard]] std::optional<std::string_view> value(std::string_view key) const; // OSRELEASE, ...
    [[nodiscard]] std::optional<std::uint64_t> symbol(std::string_view name) const;  // SYMBOL(name)=hex
    [[nodiscard]] std::optional<std::uint64_t> size(std::string_view name) const;    // SIZE(name)=decimal
    [[nodiscard]] std::optional<std::uint64_t> offset(std::string_view name) const;  // OFFSET(name)=decimal
    [[nodiscard]] std::optional<std::uint64_t> length(std::string_view name) const;  // LENGTH(name)=decimal
    [[nodiscard]] std::optional<std::int64_t> number(std::string_view name) const;   // NUMBER(name)=signed
    [[nodiscard]] std::optional<std::uint64_t> page_bytes() const;                   // PAGESIZE=decimal
    [[nodiscard]] std::optional<std::uint64_t> kernel_offset() const;                // KERNELOFFSET=hex
    [[nodiscard]] std::optional<std::int64_t> crash_time() const; // CRASHTIME=seconds since 1970, UTC

private:
    [[nodiscard]] std::optional<std::string_view> labelled(std::string_view label,
                                                           std::string_view name) const;

    std::string text_;
    std::map<std::string, std::string, std::less<>> values_;
};

} // namespace lifeboat
