// SPDX-License-Identifier: GPL-2.0-or-later
// A machine's memory by physical address, of which only the pages that hold something are kept.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <string_view>

namespace lifeboat::tests {

constexpr std::uint64_t page_bytes = 4096;
using PageBytes = std::array<std::byte, page_bytes>;

class PhysicalMemory {
public:
    void write(std::uint64_t physical, std::span<const std::byte> bytes) {
        while (!bytes.empty()) {
            const std::uint64_t into = physical % page_bytes;
            const std::size_t part = std::min<std::size_t>(bytes.size(), page_bytes - into);
            std::ranges::copy(bytes.first(part), pages_[physical / page_bytes].begin() + into);
            bytes = bytes.subspan(part);
            physical += part;
        }
    }
    void write(std::uint64_t physical, std::string_view text) {
        write(physical, std::as_bytes(std::span(text)));
    }
    template <class Value>
    void put(std::uint64_t physical, Value value) {
        write(physical, std::as_bytes(std::span(&value, 1)));
    }
    template <class Value>
    [[nodiscard]] Value get(std::uint64_t physical) const {
        std::array<std::byte, sizeof(Value)> bytes{};
        for (std::size_t i = 0; i < bytes.size(); ++i)
            if (const PageBytes* page = find((physical + i) / page_bytes))
                bytes[i] = (*page)[(physical + i) % page_bytes];
        Value value;
        std::memcpy(&value, bytes.data(), sizeof(value));
        return value;
    }
    // Null: all zero.
    [[nodiscard]] const PageBytes* find(std::uint64_t pfn) const {
        const auto found = pages_.find(pfn);
        return found == pages_.end() ? nullptr : &found->second;
    }
    [[nodiscard]] const std::map<std::uint64_t, PageBytes>& pages() const { return pages_; }

private:
    std::map<std::uint64_t, PageBytes> pages_;
};

} // namespace lifeboat::tests
