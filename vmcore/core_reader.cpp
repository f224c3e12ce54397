// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/core_reader.h"

#include <cstring>

namespace lifeboat {

Result<> CoreReader::read(std::uint64_t physical, std::span<std::byte> bytes) {
    while (!bytes.empty()) {
        const auto part = TRY(view(physical, bytes.size()));
        std::memcpy(bytes.data(), part.data(), part.size());
        bytes = bytes.subspan(part.size());
        physical += part.size();
    }
    return {};
}

} // namespace lifeboat
