// SPDX-License-Identifier: GPL-2.0-or-later
// Fills memmaps with struct pages as a running kernel 6.1 has them: all words that are not zero there are not
// zero here, and each differs from its neighbour's. Which pages follow each other is drawn from a mixture,
// the same for each run. Source: Linux 6.1 include/linux/mm_types.h, page-flags.h; mm/page_alloc.c
// (set_buddy_order, prep_compound_page).
#pragma once

#include "tests/builders/kernel_profile.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace lifeboat::tests {

// Of a thousand blocks of 1024 pages: so many are of one sort all through; in the others the sorts stand side
// by side.
struct Mixture {
    unsigned anonymous;  // single pages
    unsigned huge;       // anonymous folios of order 9
    unsigned free;       // one free block of order 10
    unsigned page_cache; // single pages
};
constexpr Mixture mostly_anonymous{.anonymous = 850, .huge = 10, .free = 10, .page_cache = 40};
constexpr Mixture mostly_free{.anonymous = 5, .huge = 2, .free = 985, .page_cache = 3};

class StructPageWriter {
public:
    explicit StructPageWriter(const Mixture& mixture)
        : mixture_(mixture)
        , structs_(pages_per_section * struct_page_bytes) {}

    // The struct pages of the section's pages; those from kernel_first to kernel_end are the kernel's own.
    // The view holds until the next call.
    std::span<const std::byte> section(std::uint64_t section, std::uint64_t kernel_first,
                                       std::uint64_t kernel_end);

private:
    void block(std::uint64_t pfn);
    void mixed_block(std::uint64_t pfn);
    void anonymous(std::uint64_t pfn);
    void page_cache(std::uint64_t pfn);
    void kernel(std::uint64_t pfn);
    void free_block(std::uint64_t pfn, unsigned order);
    void compound(std::uint64_t pfn, unsigned order, std::uint64_t head_flags, std::uint64_t mapping,
                  std::uint8_t destructor);
    std::uint64_t draw(std::uint64_t below);
    // Something that looks like the address of an object in the direct map.
    std::uint64_t object() { return 0xffff888000000000 + draw(std::uint64_t{1} << 26) * 64; }
    template <class Value>
    void put(std::uint64_t pfn, std::uint64_t offset, Value value);

    Mixture mixture_;
    std::vector<std::byte> structs_;
    std::uint64_t first_pfn_ = 0;
    std::uint64_t state_ = 1;
};

} // namespace lifeboat::tests
