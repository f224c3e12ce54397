// SPDX-License-Identifier: GPL-2.0-or-later
// Walks the memmap and takes the pages that the dump level leaves out from a bitmap, piece by piece in
// ascending order. A free block, a folio or a hole is one step whatever its size.
#pragma once

#include "vmcore/bitmap_piece.h"
#include "vmcore/core_file.h"
#include "vmcore/dump.h"
#include "vmcore/kernel_memory.h"
#include "vmcore/memmap.h"
#include "vmcore/struct_page.h"

#include <cstdint>
#include <string>
#include <vector>

namespace lifeboat {

class PageFilter {
public:
    // `core` must outlive it. Where the core does not tell enough, pages are kept and `doubts` says why: a
    // filter is always had, and one that can tell nothing keeps everything.
    static PageFilter open(const CoreFile& core, unsigned level, std::vector<std::string>& doubts);

    // The bits of a dump level whose pages cannot be told, by what the core says of struct page.
    [[nodiscard]] unsigned unfilterable() const {
        return tools_ ? tools_->layout.unfilterable() : dump_level_maximum & ~exclude_zero;
    }

    // `piece` comes with the bits of the pages that are present, and is left with those that are dumped.
    // Pieces come in ascending order: a folio that reaches beyond one is carried on.
    void filter(BitmapPiece& piece);
    // Nothing is carried on into the next piece, which may be any.
    void begin_afresh() { pending_ = {}; }

    // Something doubtful: how often, and where first.
    struct Doubt {
        std::uint64_t count = 0;
        std::uint64_t first_pfn = 0;
        void note(std::uint64_t pfn, std::uint64_t pages = 1);
        void add(const Doubt& other);
    };
    // What was met.
    struct Findings {
        std::array<std::uint64_t, page_class_count>
            counts{}; // every present page, by what it is, dumped or not
        Doubt no_memmap;
        Doubt unreadable_memmap;
        Doubt corrupt_order;
        Doubt corrupt_folio;
        Doubt unknown_type;
        void add(const Findings& other);
    };
    [[nodiscard]] const Findings& findings() const { return findings_; }
    // Of this filter, or of several over the same core together, with what is doubtful about it all.
    void add_to(DumpSummary& summary) const { add_to(summary, findings_); }
    void add_to(DumpSummary& summary, const Findings& findings) const;

private:
    explicit PageFilter(unsigned level)
        : level_(level) {}

    // A verdict on the pages up to end_pfn that is not yet carried out.
    struct Run {
        std::uint64_t first_pfn = 0;
        std::uint64_t end_pfn = 0;
        PageClass page_class = PageClass::kept;
        bool is_folio = false; // judged by its head alone
    };
    void filter_section(BitmapPiece& piece, std::uint64_t first_pfn, std::uint64_t end_pfn);
    // All of them present; the end of what was judged, which may lie beyond `end_pfn`.
    std::uint64_t filter_range(BitmapPiece& piece, std::uint64_t first_pfn, std::uint64_t end_pfn);
    // From `pfn` on those that stand for themselves alone and are of one class; empty where the first is no
    // such page.
    Run lone_run(std::uint64_t pfn, std::uint64_t end_pfn);
    void carry_out(const Run& run, BitmapPiece& piece);
    void leave_out_hwpoisoned(const Run& run, BitmapPiece& piece);
    // Brings the struct page of `pfn` into view, and the one after it where there is one and it can be read.
    Result<> bring_into_view(std::uint64_t pfn);
    // Whether that was to be had without a view of what is around it.
    bool peek(std::uint64_t pfn, std::uint64_t address, std::uint64_t bytes);
    void set_view(std::uint64_t pfn, std::span<const std::byte> struct_pages);
    // The struct page of `pfn` in the section at hand, and the one after it (null at the section's end, or
    // where it cannot be read).
    struct StructPages {
        const std::byte* page;
        const std::byte* next;
    };
    Result<StructPages> struct_pages(std::uint64_t pfn);
    PageVerdict judge(std::uint64_t pfn, const BitmapPiece& piece);
    bool is_whole_folio(std::uint64_t pfn, unsigned order);
    [[nodiscard]] bool is_left_out(PageClass page_class) const;

    struct Tools {
        KernelMemory memory;
        Memmap memmap;
        StructPageLayout layout;
    };
    std::optional<Tools> tools_; // nothing: keep everything
    unsigned level_;
    Run pending_;
    Findings findings_;

    // The section at hand, and the part of its memmap in view.
    std::uint64_t section_first_pfn_ = 0;
    std::uint64_t section_end_pfn_ = 0;
    std::uint64_t section_address_ = 0;
    std::uint64_t view_first_pfn_ = 0;
    std::uint64_t view_pages_ = 0;
    std::span<const std::byte> view_;
    std::vector<std::byte> copied_; // where struct pages straddle a border of the view, or were peeked at
    bool is_after_large_block_ = false;
};

} // namespace lifeboat
