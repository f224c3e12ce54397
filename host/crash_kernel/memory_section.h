// SPDX-License-Identifier: GPL-2.0-or-later
// The sections in which an x86_64 kernel keeps its page descriptors, 128 MiB of addresses each. Source: Linux
// arch/x86/include/asm/sparsemem.h, SECTION_SIZE_BITS.
#pragma once

#include <cstdint>

namespace lifeboat::host {

// How many the addresses from `first` to `last`, both included, lie in.
constexpr unsigned count_memory_sections(std::uint64_t first, std::uint64_t last) {
    constexpr unsigned section_size_bits = 27;
    return static_cast<unsigned>((last >> section_size_bits) - (first >> section_size_bits) + 1);
}

} // namespace lifeboat::host
