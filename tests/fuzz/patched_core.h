// SPDX-License-Identifier: GPL-2.0-or-later
// A valid core that an input changes: records of 8 bytes, each a place (2 bytes), its kind (1), and what to
// write there (5: sign-extended to 8). So that a fuzzer gets past the ELF header and the page tables at once.
#pragma once

#include "tests/builders/core_builder.h"
#include "tests/fuzz/memory_file.h"

#include <cstring>
#include <vector>

namespace lifeboat::tests {

class PatchedCore {
public:
    // `targets`: physical addresses at which the inputs' places count from.
    PatchedCore(BuiltCore core, std::vector<std::uint64_t> targets)
        : core_(std::move(core))
        , targets_(std::move(targets)) {
        core_.write(file_.path());
        for (std::size_t i = 0; i < core_.ram().size(); ++i)
            data_at_.push_back(core_.data_at(i));
    }

    // Writes the input's changes; until the next call the file is as they left it.
    [[nodiscard]] std::string path_of(std::span<const std::uint8_t> input) {
        for (const std::uint64_t physical : changed_)
            put(physical, core_.memory().get<std::uint64_t>(physical));
        changed_.clear();
        for (; input.size() >= 8; input = input.subspan(8)) {
            std::uint16_t place = 0;
            std::memcpy(&place, input.data(), sizeof(place));
            std::int64_t value = 0;
            std::memcpy(reinterpret_cast<char*>(&value) + 3, input.data() + 3, 5);
            const std::uint64_t physical = targets_[input[2] % targets_.size()] + place;
            changed_.push_back(physical);
            put(physical, static_cast<std::uint64_t>(value >> 24));
        }
        return file_.path();
    }

private:
    void put(std::uint64_t physical, std::uint64_t value) const {
        for (std::size_t i = 0; i < core_.ram().size(); ++i) {
            const RamRange& range = core_.ram()[i];
            if (physical >= range.start && physical + sizeof(value) <= range.held_end)
                file_.write(data_at_[i] + physical - range.start,
                            {reinterpret_cast<const std::uint8_t*>(&value), sizeof(value)});
        }
    }

    BuiltCore core_;
    std::vector<std::uint64_t> targets_;
    std::vector<std::uint64_t> data_at_; // of each range of RAM, in the file
    MemoryFile file_;
    std::vector<std::uint64_t> changed_;
};

} // namespace lifeboat::tests
