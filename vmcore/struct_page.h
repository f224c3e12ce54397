// SPDX-License-Identifier: GPL-2.0-or-later
// What a struct page says about its page, by the offsets and values that VMCOREINFO exports, not by version:
// what is absent there cannot be told, and its pages are kept. Source: Linux include/linux/mm_types.h,
// page-flags.h; Documentation/admin-guide/kdump/vmcoreinfo.rst.
#pragma once

#include "vmcore/dump.h"
#include "vmcore/vmcoreinfo.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

namespace lifeboat {

// What is said of a page, and of how many from it on.
struct PageVerdict {
    PageClass page_class = PageClass::kept;
    unsigned order = 0; // it holds for 1 << order pages
    // An order was found that cannot be true, or a type that no kernel is known to have: the verdict is
    // "kept", of one page.
    bool order_is_corrupt = false;
    bool type_is_unknown = false;
};

class StructPageLayout {
    static constexpr std::uint64_t mapping_anonymous = 1;  // PAGE_MAPPING_ANON; KSM pages have it too
    static constexpr std::uint64_t compound_info_tail = 1; // the word leads to the head
    static constexpr std::int32_t mapcount_unmapped = -1;  // below that it is a page type

public:
    // `doubts` gets a sentence for each class of pages that cannot be told. Nothing when VMCOREINFO does not
    // even say how large a struct page is.
    static std::optional<StructPageLayout> from(const Vmcoreinfo& info, std::vector<std::string>& doubts);

    [[nodiscard]] std::uint64_t struct_bytes() const { return bytes_; }
    [[nodiscard]] unsigned maximum_order() const { return maximum_order_; }
    // The bits of a dump level (DumpLevelBit) whose pages cannot be told.
    [[nodiscard]] unsigned unfilterable() const {
        return (can_tell_cache_ ? 0U : exclude_cache | exclude_cache_private) |
               (buddy_.is_known() ? 0U : exclude_free);
    }

    // `page` is the struct page of `pfn`; `next` that of the page after it, which matters for heads of folios
    // only and may be null where there is none.
    [[nodiscard]] PageVerdict judge(std::uint64_t pfn, const std::byte* page, const std::byte* next) const;
    // The same for a page that stands for itself alone, as most do, and in a few instructions: nothing for
    // one that may be more than that, which judge() has to look at.
    [[nodiscard]] std::optional<PageClass> judge_lone(const std::byte* page) const;
    [[nodiscard]] bool is_hwpoisoned(const std::byte* page) const;
    // Whether it is a tail of the folio of 1 << `order` pages whose head's struct page is at that virtual
    // address; `page` must lie in that folio's memmap.
    [[nodiscard]] bool is_tail_of(const std::byte* page, std::uint64_t head_address, unsigned order) const;

private:
    // A value of page_type, which shares its place with _mapcount. Until 6.11 types are cleared bits, so that
    // the whole word is compared; since 6.12 the type is the top byte and the rest may count something.
    struct PageType {
        std::uint32_t mask = 0;
        std::uint32_t value = 1; // with mask 0: matches nothing
        [[nodiscard]] bool matches(std::uint32_t mapcount) const { return (mapcount & mask) == value; }
        [[nodiscard]] bool is_known() const { return mask != 0; }
    };
    enum class HugetlbMark : std::uint8_t { unknown, page_type, tail_flag, destructor };

    static PageType page_type(const Vmcoreinfo& info, std::string_view name);
    void read_masks(const Vmcoreinfo& info, std::vector<std::string>& doubts);
    void read_folio_keys(const Vmcoreinfo& info, std::vector<std::string>& doubts);
    [[nodiscard]] bool has_unknown_type(std::uint32_t mapcount) const;
    [[nodiscard]] bool is_slab(std::uint64_t flags, std::uint32_t mapcount) const;
    [[nodiscard]] bool is_cache(std::uint64_t flags) const {
        const bool in_swap_cache = swapcache_mask_ != 0 && (flags & swapcache_mask_) == swapcache_mask_;
        return can_tell_cache_ && ((flags & lru_mask_) != 0 || in_swap_cache);
    }
    [[nodiscard]] bool is_hugetlb(std::uint32_t mapcount, const std::byte* next) const;
    [[nodiscard]] unsigned folio_order(std::uint64_t pfn, std::uint64_t flags, const std::byte* next) const;

    std::uint64_t bytes_ = 0;
    std::uint64_t flags_at_ = 0;
    std::uint64_t mapcount_at_ = 0;
    std::uint64_t mapping_at_ = 0;
    std::uint64_t private_at_ = 0;
    std::uint64_t compound_info_at_ = 0; // compound_head before 7.1
    std::uint64_t order_at_ = 0;         // in the second struct page of a folio, a byte
    std::uint64_t destructor_at_ = 0;
    std::uint64_t lru_mask_ = 0;
    std::uint64_t private_mask_ = 0;
    std::uint64_t swapcache_mask_ = 0; // PG_swapcache and PG_swapbacked together
    std::uint64_t hwpoison_mask_ = 0;
    std::uint64_t slab_mask_ = 0;
    std::uint64_t head_mask_ = 0;
    std::uint64_t tail_hugetlb_mask_ = 0;
    std::uint64_t not_lone_mask_ = 0; // flags of pages that judge_lone() leaves to judge()
    std::uint8_t hugetlb_destructor_ = 0;
    HugetlbMark hugetlb_mark_ = HugetlbMark::unknown;
    bool can_tell_cache_ = false;
    bool knows_order_ = false;
    unsigned maximum_order_ = 0;
    PageType buddy_;
    PageType slab_;
    PageType hugetlb_;
    PageType offline_;
    PageType unaccepted_;
};

template <class Value>
Value load_from(const std::byte* page, std::uint64_t offset) {
    Value value;
    std::memcpy(&value, page + offset, sizeof(value));
    return value;
}

inline std::optional<PageClass> StructPageLayout::judge_lone(const std::byte* page) const {
    const auto flags = load_from<std::uint64_t>(page, flags_at_);
    const auto mapcount = load_from<std::int32_t>(page, mapcount_at_);
    if ((flags & not_lone_mask_) != 0 || mapcount < mapcount_unmapped)
        return std::nullopt;
    if ((load_from<std::uint64_t>(page, compound_info_at_) & compound_info_tail) != 0)
        return PageClass::kept; // a tail that has lost its head
    if ((load_from<std::uint64_t>(page, mapping_at_) & mapping_anonymous) != 0)
        return PageClass::user;
    if (is_cache(flags))
        return (flags & private_mask_) != 0 ? PageClass::cache_private : PageClass::cache;
    return PageClass::kept;
}

} // namespace lifeboat
