// SPDX-License-Identifier: GPL-2.0-or-later
// Where some kernels keep what a dump filter needs, and which of it they export in VMCOREINFO. Configured for
// x86_64 with sparsemem-vmemmap, SLUB, transparent huge pages, hugetlb and memory failure.
// Source: Linux include/linux/page-flags.h, mm_types.h, mm.h, mmzone.h; kernel/crash_core.c, since 6.9
// kernel/vmcore_info.c; kernel/printk/printk.c, printk_ringbuffer.h; each at the version named.
#pragma once

#include <cstdint>
#include <string_view>

namespace lifeboat::tests {

// How a compound page tells its order, and hugetlb itself.
enum class FolioStyle : std::uint8_t {
    page_members,   // page.compound_order and page.compound_dtor of the second page: up to 6.2
    folio_members,  // the same under the names folio._folio_order and folio._folio_dtor: 6.3 to 6.5
    tail_flag,      // order in the second page's flags, PG_hugetlb there too: 6.6 to 6.8
    page_type_mark, // order in the second page's flags, hugetlb a page type of the head: 6.9 and later
};

struct KernelProfile {
    std::string_view name;
    std::string_view release;
    FolioStyle folio;
    unsigned lru_bit;
    unsigned head_bit;
    unsigned private_bit;
    unsigned swapcache_bit;
    unsigned swapbacked_bit;
    unsigned hwpoison_bit;
    int slab_bit;             // -1: a page type
    unsigned hugetlb_bit;     // of the second page, where folio is tail_flag
    std::uint32_t buddy;      // what _mapcount holds: the page types
    std::uint32_t offline;    //
    std::uint32_t hugetlb;    // 0: no page type
    std::uint32_t slab;       // 0: no page type
    std::uint32_t unaccepted; // 0: not exported, before 6.16
    bool lockless_log;        // the printk ring of 5.10 and later
    bool exports_section_bits;
    // What a tail keeps in the place of compound_head, which 7.1 renamed compound_info.
    bool has_compound_info;
    bool
        info_is_mask; // of addresses of struct pages, not the head's: where hugetlb's memmap may be optimised
};

// "4.19", "5.10", "6.1", "6.4", "6.7", "6.10", "6.12", "7.1", or "7.1-plain", which is configured without the
// optimisation of hugetlb's memmap; null for any other.
const KernelProfile* find_kernel_profile(std::string_view name);

// The same in all of them: offsets in struct page, which is 64 bytes.
constexpr std::uint64_t struct_page_bytes = 64;
constexpr std::uint64_t page_flags_at = 0;
constexpr std::uint64_t page_compound_info_at = 8;
constexpr std::uint64_t page_compound_dtor_at = 16;
constexpr std::uint64_t page_compound_order_at = 17;
constexpr std::uint64_t page_mapping_at = 24;
constexpr std::uint64_t page_private_at = 40;
constexpr std::uint64_t page_mapcount_at = 48;
constexpr std::uint64_t page_refcount_at = 52;
constexpr unsigned free_area_count = 11;
constexpr std::uint8_t hugetlb_destructor = 2;
constexpr std::uint8_t transparent_huge_destructor = 3;
constexpr unsigned section_size_bits = 27;
constexpr std::uint64_t pages_per_section = (std::uint64_t{1} << section_size_bits) / 4096;
constexpr std::uint64_t mem_section_bytes = 16;
constexpr std::uint64_t sections_per_root = 4096 / mem_section_bytes;

} // namespace lifeboat::tests
