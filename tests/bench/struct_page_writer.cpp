// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/struct_page_writer.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace lifeboat::tests {

namespace {

constexpr std::uint64_t block_pages = 1024;
constexpr std::uint64_t vmemmap = 0xffffea0000000000;
constexpr std::uint64_t node_and_zone = 0x0017ffffc0000000;
constexpr std::uint64_t up_to_date = std::uint64_t{1} << 2;
constexpr std::uint64_t lru = std::uint64_t{1} << 4;
constexpr std::uint64_t slab = std::uint64_t{1} << 9;
constexpr std::uint64_t private_data = std::uint64_t{1} << 13;
constexpr std::uint64_t head = std::uint64_t{1} << 16;
constexpr std::uint64_t swap_backed = std::uint64_t{1} << 19;
constexpr std::uint32_t not_mapped = 0xffffffff;
constexpr std::uint32_t buddy = ~0x80U;
constexpr std::uint64_t tail_mapping = 0xdead000000000400;
constexpr std::uint64_t lru_previous_at = 16;
constexpr std::uint64_t index_at = 32;
constexpr std::uint64_t memory_cgroup_at = 56;

constexpr std::uint64_t struct_page_address(std::uint64_t pfn) {
    return vmemmap + pfn * struct_page_bytes;
}

} // namespace

std::span<const std::byte> StructPageWriter::section(std::uint64_t section, std::uint64_t kernel_first,
                                                     std::uint64_t kernel_end) {
    std::ranges::fill(structs_, std::byte{0});
    first_pfn_ = section * pages_per_section;
    for (std::uint64_t pfn = first_pfn_; pfn < first_pfn_ + pages_per_section; pfn += block_pages) {
        if (pfn < kernel_end && pfn + block_pages > kernel_first)
            for (std::uint64_t i = 0; i < block_pages; ++i)
                kernel(pfn + i);
        else
            block(pfn);
    }
    return structs_;
}

void StructPageWriter::block(std::uint64_t pfn) {
    std::uint64_t drawn = draw(1000);
    const auto is = [&](unsigned share) {
        const bool hit = drawn < share;
        drawn -= hit ? 0 : share;
        return hit;
    };
    if (is(mixture_.free)) {
        free_block(pfn, 10);
    } else if (is(mixture_.huge)) {
        for (const std::uint64_t first : {pfn, pfn + 512})
            compound(first, 9, node_and_zone | up_to_date | lru | swap_backed, object() | 1,
                     transparent_huge_destructor);
    } else if (is(mixture_.anonymous)) {
        for (std::uint64_t i = 0; i < block_pages; ++i)
            anonymous(pfn + i);
    } else if (is(mixture_.page_cache)) {
        for (std::uint64_t i = 0; i < block_pages; ++i)
            page_cache(pfn + i);
    } else {
        mixed_block(pfn);
    }
}

void StructPageWriter::mixed_block(std::uint64_t pfn) {
    const std::uint64_t end = pfn + block_pages;
    while (pfn < end) {
        const unsigned largest = std::min(5, std::countr_zero(pfn));
        const auto order = static_cast<unsigned>(draw(largest + 1));
        switch (draw(5)) {
        case 0:
            free_block(pfn, order);
            pfn += std::uint64_t{1} << order;
            break;
        case 1:
            if (order == 0)
                kernel(pfn);
            else
                compound(pfn, order, node_and_zone | slab, 0, 1);
            pfn += std::uint64_t{1} << order;
            break;
        case 2:
            page_cache(pfn++);
            break;
        case 3:
            kernel(pfn++);
            break;
        default:
            anonymous(pfn++);
        }
    }
}

void StructPageWriter::anonymous(std::uint64_t pfn) {
    put(pfn, page_flags_at, node_and_zone | up_to_date | lru | swap_backed);
    put(pfn, page_compound_info_at, struct_page_address(pfn - 1) + 8); // lru.next
    put(pfn, lru_previous_at, struct_page_address(pfn + 1) + 8);
    put(pfn, page_mapping_at, object() | 1);
    put(pfn, index_at, 0x7f0000000 + pfn);
    put(pfn, page_mapcount_at, std::uint32_t{0});
    put(pfn, page_refcount_at, std::uint32_t{1});
    put(pfn, memory_cgroup_at, object());
}

void StructPageWriter::page_cache(std::uint64_t pfn) {
    const bool has_buffers = draw(4) == 0;
    put(pfn, page_flags_at, node_and_zone | up_to_date | lru | (has_buffers ? private_data : 0));
    put(pfn, page_compound_info_at, struct_page_address(pfn - 1) + 8);
    put(pfn, lru_previous_at, struct_page_address(pfn + 1) + 8);
    put(pfn, page_mapping_at, object());
    put(pfn, index_at, draw(4096));
    put(pfn, page_private_at, has_buffers ? object() : 0);
    put(pfn, page_mapcount_at, not_mapped);
    put(pfn, page_refcount_at, std::uint32_t{2});
    put(pfn, memory_cgroup_at, object());
}

void StructPageWriter::kernel(std::uint64_t pfn) {
    put(pfn, page_flags_at, node_and_zone);
    put(pfn, page_mapcount_at, not_mapped);
    put(pfn, page_refcount_at, std::uint32_t{1});
}

void StructPageWriter::free_block(std::uint64_t pfn, unsigned order) {
    for (std::uint64_t i = 0; i < std::uint64_t{1} << order; ++i) {
        put(pfn + i, page_flags_at, node_and_zone);
        put(pfn + i, page_mapcount_at, not_mapped);
    }
    put(pfn, page_compound_info_at, struct_page_address(pfn ^ std::uint64_t{1} << order) + 8);
    put(pfn, lru_previous_at, object());
    put(pfn, page_private_at, std::uint64_t{order});
    put(pfn, page_mapcount_at, buddy);
}

void StructPageWriter::compound(std::uint64_t pfn, unsigned order, std::uint64_t head_flags,
                                std::uint64_t mapping, std::uint8_t destructor) {
    put(pfn, page_flags_at, head_flags | head);
    put(pfn, page_compound_info_at, object());
    put(pfn, lru_previous_at, object());
    put(pfn, page_mapping_at, mapping);
    put(pfn, page_mapcount_at, not_mapped);
    put(pfn, page_refcount_at, std::uint32_t{1});
    for (std::uint64_t i = 1; i < std::uint64_t{1} << order; ++i) {
        put(pfn + i, page_flags_at, node_and_zone);
        put(pfn + i, page_compound_info_at, struct_page_address(pfn) | 1);
        put(pfn + i, page_mapping_at, tail_mapping);
        put(pfn + i, page_mapcount_at, not_mapped);
    }
    put(pfn + 1, page_compound_dtor_at, destructor);
    put(pfn + 1, page_compound_order_at, static_cast<std::uint8_t>(order));
}

// xorshift64*
std::uint64_t StructPageWriter::draw(std::uint64_t below) {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return (state_ * 0x2545f4914f6cdd1d >> 32) % below;
}

template <class Value>
void StructPageWriter::put(std::uint64_t pfn, std::uint64_t offset, Value value) {
    std::memcpy(structs_.data() + (pfn - first_pfn_) * struct_page_bytes + offset, &value, sizeof(value));
}

} // namespace lifeboat::tests
