// SPDX-License-Identifier: GPL-2.0-or-later
// A valid file that an input changes: records of 8 bytes, each a place (2 bytes), the target that it counts
// from (1), and what to write there (5: sign-extended to 8). The target's two highest bits choose a region of
// the kernel's addresses that is added to it, so that pointers can be written. So a fuzzer gets past
// signatures and headers at once.
#pragma once

#include "tests/fuzz/memory_file.h"

#include <array>
#include <cstring>
#include <utility>
#include <vector>

namespace lifeboat::tests {

class PatchedFile {
public:
    [[nodiscard]] const MemoryFile& file() const { return file_; }
    // Offsets in the file.
    void set_targets(std::vector<std::uint64_t> targets) { targets_ = std::move(targets); }

    // Writes the input's changes; until the next call the file is as they left it.
    [[nodiscard]] std::string path_of(std::span<const std::uint8_t> input) {
        for (; !changed_.empty(); changed_.pop_back())
            put(changed_.back().first, changed_.back().second);
        const std::uint64_t bytes = file_.bytes();
        for (; input.size() >= 8; input = input.subspan(8)) {
            std::uint16_t place = 0;
            std::memcpy(&place, input.data(), sizeof(place));
            std::int64_t value = 0;
            std::memcpy(reinterpret_cast<char*>(&value) + 3, input.data() + 3, 5);
            const std::uint64_t offset = targets_[(input[2] & 63U) % targets_.size()] + place;
            if (offset + sizeof(value) > bytes)
                continue;
            std::uint64_t before = 0;
            file_.read(offset, {reinterpret_cast<std::uint8_t*>(&before), sizeof(before)});
            changed_.emplace_back(offset, before);
            put(offset, static_cast<std::uint64_t>(value >> 24) + regions[input[2] >> 6]);
        }
        return file_.path();
    }

    // None, vmemmap, the direct map, the kernel's image.
    static constexpr std::array<std::uint64_t, 4> regions = {0, 0xffffea0000000000, 0xffff888000000000,
                                                             0xffffffff80000000};

private:
    void put(std::uint64_t offset, std::uint64_t value) const {
        file_.write(offset, {reinterpret_cast<const std::uint8_t*>(&value), sizeof(value)});
    }

    MemoryFile file_;
    std::vector<std::uint64_t> targets_;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> changed_; // offset, and what was there
};

} // namespace lifeboat::tests
