// SPDX-License-Identifier: GPL-2.0-or-later
// A valid core whose memory an input changes, counting from some of its physical addresses.
#pragma once

#include "tests/builders/core_builder.h"
#include "tests/fuzz/patched_file.h"

#include <vector>

namespace lifeboat::tests {

class PatchedCore {
public:
    PatchedCore(const BuiltCore& core, const std::vector<std::uint64_t>& targets) {
        core.write(file_.file().path());
        std::vector<std::uint64_t> offsets;
        for (const std::uint64_t physical : targets)
            offsets.push_back(core.file_offset(physical));
        file_.set_targets(std::move(offsets));
    }

    [[nodiscard]] std::string path_of(std::span<const std::uint8_t> input) { return file_.path_of(input); }

private:
    PatchedFile file_;
};

} // namespace lifeboat::tests
