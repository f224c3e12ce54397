// SPDX-License-Identifier: GPL-2.0-or-later
// The digest of a part of a dump, taken piece by piece as the bytes come: XXH3, 128 bits, in its canonical
// (big-endian) form. It finds damage, not malice.
// Source: xxHash doc/xxhash_spec.md.
#pragma once

#include "vmcore/kdump_format.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace lifeboat {

class DumpDigest {
public:
    using Value = std::array<std::uint8_t, 16>;

    DumpDigest();

    void update(std::span<const std::byte> bytes);
    // Of all bytes so far; more may follow.
    [[nodiscard]] Value finish() const;

private:
    struct State;
    struct FreeState {
        void operator()(State* state) const;
    };
    std::unique_ptr<State, FreeState> state_;
};

// What KdumpTrailer::check has to be: XXH3, 64 bits, of the members before it.
std::uint64_t check_of(const KdumpTrailer& trailer);

} // namespace lifeboat
