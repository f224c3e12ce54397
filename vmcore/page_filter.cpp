// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/page_filter.h"

#include <algorithm>
#include <bit>

namespace lifeboat {

namespace {

// As much of the memmap as is asked for in one view: what one large page maps.
constexpr std::uint64_t view_bytes = std::uint64_t{2} << 20;
constexpr unsigned gigantic_order_limit = 18; // 1 GiB, the largest page of x86_64
// What one page fault maps of a file. Source: Linux mm/memory.c (fault_around_bytes).
constexpr std::uint64_t fault_bytes = std::uint64_t{64} << 10;

} // namespace

void PageFilter::Doubt::note(std::uint64_t pfn, std::uint64_t pages) {
    if (count == 0)
        first_pfn = pfn;
    count += pages;
}

void PageFilter::Doubt::add(const Doubt& other) {
    if (count == 0 || (other.count > 0 && other.first_pfn < first_pfn))
        first_pfn = other.first_pfn;
    count += other.count;
}

void PageFilter::Findings::add(const Findings& other) {
    for (std::size_t i = 0; i < counts.size(); ++i)
        counts[i] += other.counts[i];
    no_memmap.add(other.no_memmap);
    unreadable_memmap.add(other.unreadable_memmap);
    corrupt_order.add(other.corrupt_order);
    corrupt_folio.add(other.corrupt_folio);
    unknown_type.add(other.unknown_type);
}

PageFilter PageFilter::open(const CoreFile& core, unsigned level, std::vector<std::string>& doubts) {
    PageFilter filter(level);
    if (core.vmcoreinfo().empty())
        return filter; // the core's own doubts say so
    const auto give_up = [&](const Error& error) { doubts.push_back(error.text + ", keeping every page"); };
    auto memory = KernelMemory::open(core);
    if (!memory) {
        give_up(memory.error());
        return filter;
    }
    auto memmap = Memmap::open(core.vmcoreinfo(), core.page_bytes(), *memory);
    if (!memmap) {
        give_up(memmap.error());
        return filter;
    }
    if (auto layout = StructPageLayout::from(core.vmcoreinfo(), doubts))
        filter.tools_.emplace(std::move(*memory), *memmap, *layout);
    return filter;
}

void PageFilter::filter(BitmapPiece& piece) {
    carry_out(pending_, piece);
    if (!tools_) {
        findings_.counts[static_cast<std::size_t>(PageClass::kept)] += piece.count();
        return;
    }
    const std::uint64_t pages_per_section = tools_->memmap.pages_per_section();
    std::uint64_t pfn = std::max(pending_.end_pfn, piece.first_pfn());
    while ((pfn = piece.next_set(pfn)) < piece.end_pfn()) {
        const std::uint64_t section_end = (pfn / pages_per_section + 1) * pages_per_section;
        const std::uint64_t end = std::min(section_end, piece.end_pfn());
        filter_section(piece, pfn, end);
        pfn = std::max(end, pending_.end_pfn);
    }
}

void PageFilter::filter_section(BitmapPiece& piece, std::uint64_t first_pfn, std::uint64_t end_pfn) {
    const std::uint64_t section = first_pfn / tools_->memmap.pages_per_section();
    section_first_pfn_ = section * tools_->memmap.pages_per_section();
    section_end_pfn_ = section_first_pfn_ + tools_->memmap.pages_per_section();
    view_pages_ = 0;
    const auto address = tools_->memmap.section_struct_pages(section, tools_->memory);
    if (!address || !*address) {
        (address ? findings_.no_memmap : findings_.unreadable_memmap)
            .note(first_pfn, piece.count(first_pfn, end_pfn));
        section_end_pfn_ = section_first_pfn_; // no struct page of it may be looked at
        carry_out({first_pfn, end_pfn, PageClass::kept}, piece);
        return;
    }
    section_address_ = **address;
    std::uint64_t pfn = first_pfn;
    while ((pfn = piece.next_set(pfn)) < end_pfn)
        pfn = filter_range(piece, pfn, std::min(piece.next_clear(pfn), end_pfn));
}

std::uint64_t PageFilter::filter_range(BitmapPiece& piece, std::uint64_t first_pfn, std::uint64_t end_pfn) {
    std::uint64_t pfn = first_pfn;
    while (pfn < end_pfn) {
        Run run = lone_run(pfn, end_pfn);
        if (run.end_pfn == pfn) {
            const PageVerdict verdict = judge(pfn, piece);
            run = {pfn, pfn + (std::uint64_t{1} << verdict.order), verdict.page_class, verdict.order > 0};
        }
        carry_out(run, piece);
        pfn = run.end_pfn;
        const std::uint64_t passed_bytes = (run.end_pfn - run.first_pfn) * tools_->layout.struct_bytes();
        is_after_large_block_ =
            run.is_folio && run.page_class == PageClass::free && passed_bytes >= fault_bytes;
    }
    return pfn;
}

// Most of the memmap goes through this loop: nothing in it but what one page needs.
PageFilter::Run PageFilter::lone_run(std::uint64_t pfn, std::uint64_t end_pfn) {
    Run run{pfn, pfn, PageClass::kept};
    if (!bring_into_view(pfn))
        return run;
    const std::uint64_t struct_bytes = tools_->layout.struct_bytes();
    const std::byte* page = view_.data() + (pfn - view_first_pfn_) * struct_bytes;
    const std::uint64_t end = std::min(end_pfn, view_first_pfn_ + view_pages_);
    const auto first = tools_->layout.judge_lone(page);
    if (!first)
        return run;
    run.page_class = *first;
    do {
        ++run.end_pfn;
        page += struct_bytes;
    } while (run.end_pfn < end && tools_->layout.judge_lone(page) == first);
    return run;
}

PageVerdict PageFilter::judge(std::uint64_t pfn, const BitmapPiece& piece) {
    const auto pages = struct_pages(pfn);
    if (!pages) {
        findings_.unreadable_memmap.note(pfn);
        return {};
    }
    PageVerdict verdict = tools_->layout.judge(pfn, pages->page, pages->next);
    if (verdict.order_is_corrupt)
        findings_.corrupt_order.note(pfn);
    if (verdict.type_is_unknown)
        findings_.unknown_type.note(pfn);
    if (verdict.order == 0)
        return verdict;
    const std::uint64_t end = std::min(pfn + (std::uint64_t{1} << verdict.order), piece.end_pfn());
    const bool is_in_memory = piece.next_clear(pfn) >= end;
    if (verdict.page_class == PageClass::free && !is_in_memory) {
        findings_.corrupt_order.note(pfn);
        return {};
    }
    if (verdict.page_class != PageClass::free && (!is_in_memory || !is_whole_folio(pfn, verdict.order))) {
        findings_.corrupt_folio.note(pfn);
        verdict.order = 0;
    }
    return verdict;
}

// The last page of a folio points to its head. Where it does not, the order is damaged, and believing it
// would take pages from the dump that have nothing to do with the folio. A gigantic one ends in another
// section and is believed.
bool PageFilter::is_whole_folio(std::uint64_t pfn, unsigned order) {
    const std::uint64_t last = pfn + (std::uint64_t{1} << order) - 1;
    if (last >= section_end_pfn_)
        return order <= gigantic_order_limit;
    const std::uint64_t head_address =
        section_address_ + (pfn - section_first_pfn_) * tools_->layout.struct_bytes();
    const auto pages = struct_pages(last);
    return pages && tools_->layout.is_tail_of(pages->page, head_address, order);
}

// Counts the run's pages in the piece, takes them from it if they are to be left out, and keeps the rest of
// the run for the next piece.
void PageFilter::carry_out(const Run& run, BitmapPiece& piece) {
    findings_.counts[static_cast<std::size_t>(run.page_class)] += piece.count(run.first_pfn, run.end_pfn);
    if (is_left_out(run.page_class))
        piece.clear(run.first_pfn, run.end_pfn);
    else if (run.is_folio)
        leave_out_hwpoisoned(run, piece);
    pending_ = run;
    pending_.first_pfn = std::max(run.first_pfn, piece.end_pfn());
}

// A memory error in the middle of a folio that is kept is marked on its own struct page.
void PageFilter::leave_out_hwpoisoned(const Run& run, BitmapPiece& piece) {
    if (!tools_ || run.first_pfn < section_first_pfn_ || run.first_pfn >= section_end_pfn_)
        return;
    const std::uint64_t end = std::min({run.end_pfn, section_end_pfn_, piece.end_pfn()});
    for (std::uint64_t pfn = run.first_pfn + 1; (pfn = piece.next_set(pfn)) < end; ++pfn) {
        const auto pages = struct_pages(pfn);
        if (!pages || !tools_->layout.is_hwpoisoned(pages->page))
            continue;
        piece.clear(pfn, pfn + 1);
        --findings_.counts[static_cast<std::size_t>(run.page_class)];
        ++findings_.counts[static_cast<std::size_t>(PageClass::hwpoison)];
    }
}

Result<> PageFilter::bring_into_view(std::uint64_t pfn) {
    const std::uint64_t wanted = pfn + 1 < section_end_pfn_ ? 2 : 1;
    const std::uint64_t struct_bytes = tools_->layout.struct_bytes();
    const std::uint64_t address = section_address_ + (pfn - section_first_pfn_) * struct_bytes;
    if (std::exchange(is_after_large_block_, false) && peek(pfn, address, wanted * struct_bytes))
        return {};
    if (pfn >= view_first_pfn_ && pfn - view_first_pfn_ + wanted <= view_pages_)
        return {};
    view_pages_ = 0; // nothing is in view when one of these fails
    auto struct_pages =
        TRY(tools_->memory.view(address, std::min(view_bytes, (section_end_pfn_ - pfn) * struct_bytes)));
    if (struct_pages.size() < wanted * struct_bytes) {
        copied_.resize(wanted * struct_bytes);
        if (!tools_->memory.read(address, copied_)) { // it may be the one after that cannot be read
            copied_.resize(struct_bytes);
            TRY(tools_->memory.read(address, copied_));
        }
        struct_pages = copied_;
    }
    set_view(pfn, struct_pages);
    return {};
}

// Behind a large free block the next one often begins, whose head alone is looked at: even in a view, that
// would be a page fault for each.
bool PageFilter::peek(std::uint64_t pfn, std::uint64_t address, std::uint64_t bytes) {
    view_pages_ = 0;
    copied_.resize(bytes);
    if (!tools_->memory.peek(address, copied_))
        return false;
    set_view(pfn, copied_);
    return true;
}

void PageFilter::set_view(std::uint64_t pfn, std::span<const std::byte> struct_pages) {
    view_ = struct_pages;
    view_first_pfn_ = pfn;
    view_pages_ = struct_pages.size() / tools_->layout.struct_bytes();
}

Result<PageFilter::StructPages> PageFilter::struct_pages(std::uint64_t pfn) {
    TRY(bring_into_view(pfn));
    const std::uint64_t index = pfn - view_first_pfn_;
    const std::byte* page = view_.data() + index * tools_->layout.struct_bytes();
    const bool has_next = pfn + 1 < section_end_pfn_ && index + 1 < view_pages_;
    return StructPages{page, has_next ? page + tools_->layout.struct_bytes() : nullptr};
}

bool PageFilter::is_left_out(PageClass page_class) const {
    switch (page_class) {
    case PageClass::kept:
        return false;
    case PageClass::cache: // as in makedumpfile, bit 4 takes both sorts
        return (level_ & (exclude_cache | exclude_cache_private)) != 0;
    case PageClass::cache_private:
        return (level_ & exclude_cache_private) != 0;
    case PageClass::user:
        return (level_ & exclude_user) != 0;
    case PageClass::free:
        return (level_ & exclude_free) != 0;
    case PageClass::hwpoison:
    case PageClass::offline:
        return true;
    }
    return false;
}

void PageFilter::add_to(DumpSummary& summary, const Findings& findings) const {
    for (std::size_t i = 0; i < findings.counts.size(); ++i)
        summary.pages_by_class[i] += findings.counts[i];
    const auto say = [&](const Doubt& doubt, std::string_view what) {
        if (doubt.count > 0)
            summary.doubts.push_back(
                std::format("{} pages (first: pfn {:#x}) {}", doubt.count, doubt.first_pfn, what));
    };
    say(findings.no_memmap, "have no struct page, keeping them");
    say(findings.unreadable_memmap, "have a struct page that cannot be read, keeping them");
    say(findings.corrupt_folio,
        "are heads of folios whose last page is not theirs, judging their other pages by themselves");
    say(findings.corrupt_order, "are said to begin a free block of a size that cannot be, keeping them");
    say(findings.unknown_type, "are of a type that is not known, keeping them");
    summary.unfilterable = unfilterable();
    if (tools_ && (level_ & exclude_free) != 0 && summary.pages(PageClass::free) == 0) {
        summary.unfilterable |= exclude_free;
        summary.doubts.emplace_back(
            "no free page was found, which cannot be: the dump may be larger than it need be");
    }
}

} // namespace lifeboat
