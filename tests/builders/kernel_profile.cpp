// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/builders/kernel_profile.h"

#include <algorithm>
#include <array>

namespace lifeboat::tests {

namespace {

// Up to 6.5 page types are bits cleared in a word of ones, from 6.12 on they are the word's top byte.
constexpr KernelProfile old_flags{
    .name = "5.10",
    .release = "5.10.0-test",
    .folio = FolioStyle::page_members,
    .lru_bit = 4,
    .head_bit = 16,
    .private_bit = 13,
    .swapcache_bit = 10,
    .swapbacked_bit = 19,
    .hwpoison_bit = 23,
    .slab_bit = 9,
    .hugetlb_bit = 0,
    .buddy = ~0x80U,
    .offline = ~0x100U,
    .hugetlb = 0,
    .slab = 0,
    .unaccepted = 0,
    .lockless_log = true,
    .exports_section_bits = false,
    .has_compound_info = false,
    .info_is_mask = false,
};

constexpr std::array<KernelProfile, 9> profiles = [] {
    KernelProfile v4_19 = old_flags;
    v4_19.name = "4.19";
    v4_19.release = "4.19.0-test";
    v4_19.lockless_log = false;
    KernelProfile v6_1 = old_flags;
    v6_1.name = "6.1";
    v6_1.release = "6.1.0-test";
    v6_1.exports_section_bits = true;
    KernelProfile v6_4 = v6_1;
    v6_4.name = "6.4";
    v6_4.release = "6.4.0-test";
    v6_4.folio = FolioStyle::folio_members;
    KernelProfile v6_7 = v6_1;
    v6_7.name = "6.7";
    v6_7.release = "6.7.0-test";
    v6_7.folio = FolioStyle::tail_flag;
    v6_7.lru_bit = 5;
    v6_7.head_bit = 6;
    v6_7.hugetlb_bit = 8;
    v6_7.slab_bit = 11;
    v6_7.swapcache_bit = 12;
    v6_7.private_bit = 15;
    KernelProfile v6_10 = v6_7;
    v6_10.name = "6.10";
    v6_10.release = "6.10.0-test";
    v6_10.folio = FolioStyle::page_type_mark;
    v6_10.swapcache_bit = 11;
    v6_10.private_bit = 14;
    v6_10.swapbacked_bit = 18;
    v6_10.hwpoison_bit = 22;
    v6_10.slab_bit = -1;
    v6_10.hugetlb = ~0x800U;
    v6_10.slab = ~0x1000U;
    KernelProfile v6_12 = v6_10;
    v6_12.name = "6.12";
    v6_12.release = "6.12.0-test";
    v6_12.swapcache_bit = 10;
    v6_12.swapbacked_bit = 17;
    v6_12.hwpoison_bit = 20;
    v6_12.buddy = 0xf0000000;
    v6_12.offline = 0xf1000000;
    v6_12.hugetlb = 0xf4000000;
    v6_12.slab = 0xf5000000;
    KernelProfile v7_1_plain = v6_12;
    v7_1_plain.name = "7.1-plain";
    v7_1_plain.release = "7.1.0-test";
    v7_1_plain.hwpoison_bit = 21;
    v7_1_plain.unaccepted = 0xf7000000;
    v7_1_plain.has_compound_info = true;
    KernelProfile v7_1 = v7_1_plain;
    v7_1.name = "7.1";
    v7_1.info_is_mask = true;
    return std::array{v4_19, old_flags, v6_1, v6_4, v6_7, v6_10, v6_12, v7_1_plain, v7_1};
}();

} // namespace

const KernelProfile* find_kernel_profile(std::string_view name) {
    const auto* found = std::ranges::find(profiles, name, &KernelProfile::name);
    return found == profiles.end() ? nullptr : found;
}

} // namespace lifeboat::tests
