// SPDX-License-Identifier: GPL-2.0-or-later
// What a struct page says about its page, by the offsets and values that VMCOREINFO exports, not by version:
// what is absent there cannot be told, and its pages are kept. Source: Linux include/linux/mm_types.h,
// page-flags.h; Documentation/admin-guide/kdump/vmcoreinfo.rst.
#pragma once

#include "vmcore/dump.h"
#include "vmcore/vmcoreinfo.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lifeboat {

// What is said of a page, and of how many from it on.
struct PageVerdict {
    PageClass page_class = PageClass::kept;
    unsigned order = 0; // it holds for 1 << order pages
    bool order_is_corrupt =
        false; // an order was found that cannot be true: the verdict is "kept", of one page
};

class StructPageLayout {
public:
    // `doubts` gets a sentence for each class of pages that cannot be told. Nothing when VMCOREINFO does not
    // even say how large a struct page is.
    static std::optional<StructPageLayout> from(const Vmcoreinfo& info, std::vector<std::string>& doubts);

    [[nodiscard]] std::uint64_t struct_bytes() const { return bytes_; }
    [[nodiscard]] unsigned maximum_order() const { return maximum_order_; }

    // `page` is the struct page of `pfn`; `next` that of the page after it, which matters for heads of folios
    // only and may be null where there is none.
    [[nodiscard]] PageVerdict judge(std::uint64_t pfn, const std::byte* page, const std::byte* next) const;
    [[nodiscard]] bool is_hwpoisoned(const std::byte* page) const;
    // Whether it is a tail of the folio whose head's struct page is at that virtual address.
    [[nodiscard]] bool is_tail_of(const std::byte* page, std::uint64_t head_address) const;

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
    [[nodiscard]] bool is_slab(std::uint64_t flags, std::uint32_t mapcount) const;
    [[nodiscard]] bool is_cache(std::uint64_t flags) const;
    [[nodiscard]] bool is_hugetlb(std::uint32_t mapcount, const std::byte* next) const;
    [[nodiscard]] unsigned folio_order(std::uint64_t pfn, std::uint64_t flags, const std::byte* next) const;

    std::uint64_t bytes_ = 0;
    std::uint64_t flags_at_ = 0;
    std::uint64_t mapcount_at_ = 0;
    std::uint64_t mapping_at_ = 0;
    std::uint64_t private_at_ = 0;
    std::uint64_t compound_head_at_ = 0;
    std::uint64_t order_at_ = 0; // in the second struct page of a folio, a byte
    std::uint64_t destructor_at_ = 0;
    std::uint64_t lru_mask_ = 0;
    std::uint64_t private_mask_ = 0;
    std::uint64_t swapcache_mask_ = 0; // PG_swapcache and PG_swapbacked together
    std::uint64_t hwpoison_mask_ = 0;
    std::uint64_t slab_mask_ = 0;
    std::uint64_t head_mask_ = 0;
    std::uint64_t tail_hugetlb_mask_ = 0;
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

} // namespace lifeboat
