// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/struct_page.h"

#include <bit>
#include <format>

namespace lifeboat {

namespace {

constexpr unsigned order_limit = 40; // 4 PiB with 4 KiB pages: no folio and no block is larger
constexpr std::uint64_t free_area_limit = 64;

std::uint64_t flag_mask(const Vmcoreinfo& info, std::string_view name) {
    const auto bit = info.number(name);
    return bit && *bit >= 0 && *bit < 64 ? std::uint64_t{1} << *bit : 0;
}

} // namespace

StructPageLayout::PageType StructPageLayout::page_type(const Vmcoreinfo& info, std::string_view name) {
    const auto exported = info.number(std::format("PAGE_{}_MAPCOUNT_VALUE", name));
    if (!exported)
        return {};
    const auto value = static_cast<std::uint32_t>(*exported);
    if (static_cast<std::int32_t>(value) >= mapcount_unmapped)
        return {}; // a count of mappings: no type
    const bool is_top_byte = (value & 0x00ffffff) == 0;
    return {is_top_byte ? 0xff000000 : 0xffffffff, value};
}

std::optional<StructPageLayout> StructPageLayout::from(const Vmcoreinfo& info,
                                                       std::vector<std::string>& doubts) {
    StructPageLayout layout;
    layout.bytes_ = info.size("page").value_or(0);
    std::string missing;
    const auto place = [&](std::string_view member, std::uint64_t member_bytes) {
        const auto offset = info.offset(std::format("page.{}", member));
        if (offset && layout.bytes_ >= member_bytes && *offset <= layout.bytes_ - member_bytes)
            return *offset;
        missing += std::format("{}page.{}", missing.empty() ? "" : ", ", member);
        return std::uint64_t{0};
    };
    layout.flags_at_ = place("flags", 8);
    layout.mapcount_at_ = place("_mapcount", 4);
    layout.mapping_at_ = place("mapping", 8);
    layout.private_at_ = place("private", 8);
    layout.compound_info_at_ =
        place(info.offset("page.compound_head") ? "compound_head" : "compound_info", 8); // renamed in 7.1
    if (!missing.empty()) {
        doubts.push_back(std::format("VMCOREINFO has no usable offset of {}, keeping every page", missing));
        return std::nullopt;
    }
    layout.read_masks(info, doubts);
    layout.read_folio_keys(info, doubts);
    layout.not_lone_mask_ = layout.hwpoison_mask_ | layout.head_mask_ | layout.slab_mask_;
    return layout;
}

void StructPageLayout::read_masks(const Vmcoreinfo& info, std::vector<std::string>& doubts) {
    lru_mask_ = flag_mask(info, "PG_lru");
    private_mask_ = flag_mask(info, "PG_private");
    swapcache_mask_ = flag_mask(info, "PG_swapcache") | flag_mask(info, "PG_swapbacked");
    if (flag_mask(info, "PG_swapcache") == 0)
        swapcache_mask_ = 0;
    hwpoison_mask_ = flag_mask(info, "PG_hwpoison");
    slab_mask_ = flag_mask(info, "PG_slab");
    slab_ = page_type(info, "SLAB");
    offline_ = page_type(info, "OFFLINE");
    unaccepted_ = page_type(info, "UNACCEPTED");
    can_tell_cache_ = lru_mask_ != 0 && private_mask_ != 0;
    if (!can_tell_cache_)
        doubts.emplace_back("VMCOREINFO lacks PG_lru or PG_private, keeping the page cache");

    const std::uint64_t free_areas = info.length("zone.free_area").value_or(0);
    if (free_areas > 0 && free_areas <= free_area_limit) {
        maximum_order_ = static_cast<unsigned>(free_areas) - 1;
        buddy_ = page_type(info, "BUDDY");
    }
    if (!buddy_.is_known()) {
        unaccepted_ = {};
        doubts.emplace_back("VMCOREINFO lacks PAGE_BUDDY_MAPCOUNT_VALUE or LENGTH(zone.free_area), "
                            "keeping free pages");
    }
}

// Where a folio's order and the mark of hugetlb are was moved in 6.3, 6.6 and 6.9; each kernel exports its
// own way.
void StructPageLayout::read_folio_keys(const Vmcoreinfo& info, std::vector<std::string>& doubts) {
    if (const auto mask = info.number("PG_head_mask"))
        head_mask_ = static_cast<std::uint64_t>(*mask);
    hugetlb_ = page_type(info, "HUGETLB");
    tail_hugetlb_mask_ = flag_mask(info, "PG_hugetlb");
    if (hugetlb_.is_known() || tail_hugetlb_mask_ != 0) {
        hugetlb_mark_ = hugetlb_.is_known() ? HugetlbMark::page_type : HugetlbMark::tail_flag;
        order_at_ = flags_at_; // the low byte of folio._flags_1, since 6.6
        knows_order_ = true;
    } else {
        // An offset in struct folio counts from the head; the member lies in the second struct page.
        const auto in_tail = [&](std::string_view folio_member, std::string_view page_member) {
            const auto from_head = info.offset(std::format("folio.{}", folio_member));
            const auto offset = from_head ? std::optional(*from_head - bytes_)
                                          : info.offset(std::format("page.{}", page_member));
            return offset && *offset < bytes_ ? offset : std::nullopt;
        };
        const auto order = in_tail("_folio_order", "compound_order");
        const auto destructor = in_tail("_folio_dtor", "compound_dtor");
        const auto hugetlb_destructor = info.number("HUGETLB_PAGE_DTOR");
        knows_order_ = order.has_value();
        order_at_ = order.value_or(0);
        if (destructor && hugetlb_destructor) {
            hugetlb_mark_ = HugetlbMark::destructor;
            destructor_at_ = *destructor;
            hugetlb_destructor_ = static_cast<std::uint8_t>(*hugetlb_destructor);
        }
    }
    if (head_mask_ == 0 || !knows_order_)
        doubts.emplace_back(
            "VMCOREINFO does not say how large folios are, keeping all their pages but the first");
    if (hugetlb_mark_ == HugetlbMark::unknown)
        doubts.emplace_back("VMCOREINFO does not say what hugetlb pages look like, keeping them");
}

// Types whose values are exported are not looked for here; nor are those of 6.11, whose encoding was its own.
// Source: Linux include/linux/page-flags.h: enum pagetype.
bool StructPageLayout::has_unknown_type(std::uint32_t mapcount) const {
    constexpr std::uint32_t underflow = 0xffffff80; // a damaged count of mappings: above that, no type
    if (static_cast<std::int32_t>(mapcount) >= mapcount_unmapped || mapcount >= underflow)
        return false;
    if (buddy_.mask == 0xff000000) // 6.12: buddy f0 ... large_kmalloc f8
        return mapcount >> 24 > 0xf8;
    if (buddy_.value ==
        ~std::uint32_t{0x80}) // a bit cleared: buddy 0x80, offline 0x100, table, guard, hugetlb, slab 0x1000
        return !std::has_single_bit(~mapcount) || ~mapcount > 0x1000;
    return false;
}

bool StructPageLayout::is_slab(std::uint64_t flags, std::uint32_t mapcount) const {
    return slab_.is_known() ? slab_.matches(mapcount) : (flags & slab_mask_) != 0;
}

bool StructPageLayout::is_hugetlb(std::uint32_t mapcount, const std::byte* next) const {
    switch (hugetlb_mark_) {
    case HugetlbMark::page_type:
        return hugetlb_.matches(mapcount);
    case HugetlbMark::tail_flag:
        return (load_from<std::uint64_t>(next, flags_at_) & tail_hugetlb_mask_) != 0;
    case HugetlbMark::destructor:
        return load_from<std::uint8_t>(next, destructor_at_) == hugetlb_destructor_;
    case HugetlbMark::unknown:
        break;
    }
    return false;
}

unsigned StructPageLayout::folio_order(std::uint64_t pfn, std::uint64_t flags, const std::byte* next) const {
    if ((flags & head_mask_) == 0 || next == nullptr || !knows_order_)
        return 0;
    const unsigned order = load_from<std::uint8_t>(next, order_at_);
    const bool is_aligned = order <= order_limit && (pfn & ((std::uint64_t{1} << order) - 1)) == 0;
    return is_aligned ? order : 0;
}

bool StructPageLayout::is_hwpoisoned(const std::byte* page) const {
    return (load_from<std::uint64_t>(page, flags_at_) & hwpoison_mask_) != 0;
}

// A tail has the address of its head's struct page, or since 7.1, where hugetlb's memmap may be optimised and
// struct pages are of a power of two, a mask that makes the head's of its own address: the folio's memmap is
// aligned to its size, so that all folios of an order share their tails' struct pages. VMCOREINFO does not
// say which. Source: Linux include/linux/page-flags.h: set_compound_head(), compound_info_has_mask().
bool StructPageLayout::is_tail_of(const std::byte* page, std::uint64_t head_address, unsigned order) const {
    const auto info = load_from<std::uint64_t>(page, compound_info_at_);
    if (info == (head_address | compound_info_tail))
        return true;
    const std::uint64_t folio_bytes = bytes_ << order;
    return std::has_single_bit(bytes_) && info == ((~folio_bytes + 1) | compound_info_tail) &&
           (head_address & (folio_bytes - 1)) == 0;
}

// The order of the tests is makedumpfile's, but for memory errors: those are looked for first, so that such a
// page is left out whatever else it is, and counted as what it is.
PageVerdict StructPageLayout::judge(std::uint64_t pfn, const std::byte* page, const std::byte* next) const {
    const auto flags = load_from<std::uint64_t>(page, flags_at_);
    const auto mapcount = load_from<std::uint32_t>(page, mapcount_at_);
    // A hugetlb folio has the mark on its head only, whichever of its pages is meant: all of it is left out.
    if ((flags & hwpoison_mask_) != 0)
        return {PageClass::hwpoison, folio_order(pfn, flags, next)};
    // A tail that is met by itself has lost its head: it says nothing.
    if ((load_from<std::uint64_t>(page, compound_info_at_) & compound_info_tail) != 0)
        return {};
    const bool slab = is_slab(flags, mapcount);
    if (!slab && buddy_.matches(mapcount)) {
        const auto order = load_from<std::uint64_t>(page, private_at_);
        if (order > maximum_order_ || (pfn & ((std::uint64_t{1} << order) - 1)) != 0)
            return {.order_is_corrupt = true};
        return {PageClass::free, static_cast<unsigned>(order)};
    }
    if (unaccepted_.matches(mapcount)) { // always of the largest order: Linux mm/page_alloc.c, 6.16
        if ((pfn & ((std::uint64_t{1} << maximum_order_) - 1)) != 0)
            return {.order_is_corrupt = true};
        return {PageClass::free, maximum_order_};
    }
    if (!slab && offline_.matches(mapcount))
        return {PageClass::offline};

    if (has_unknown_type(mapcount))
        return {.type_is_unknown = true};
    const bool anonymous = !slab && (load_from<std::uint64_t>(page, mapping_at_) & mapping_anonymous) != 0;
    const unsigned order = folio_order(pfn, flags, next);
    if (!anonymous && is_cache(flags))
        return {(flags & private_mask_) != 0 ? PageClass::cache_private : PageClass::cache, order};
    const bool head = (flags & head_mask_) != 0 && next != nullptr;
    if (anonymous || (head && is_hugetlb(mapcount, next)))
        return {PageClass::user, order};
    return {PageClass::kept, order};
}

} // namespace lifeboat
