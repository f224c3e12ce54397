// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/dump.h"

#include "base/scope_guard.h"
#include "vmcore/bitmap_piece.h"
#include "vmcore/dump_space.h"
#include "vmcore/elf_writer.h"
#include "vmcore/identical_pages.h"
#include "vmcore/kdump_writer.h"
#include "vmcore/memmap_scan.h"
#include "vmcore/page_pipeline.h"

#include <algorithm>
#include <memory>

namespace lifeboat {

namespace {

// One dump being made: first every page is judged and the bitmaps are written, then the pages are copied, the
// second bitmap being read back piece by piece. So memory does not grow with the machine's.
class Dump {
public:
    Dump(const CoreFile& core, const DumpOptions& options, const ProgressReport& report, DumpSummary& summary)
        : core_(core)
        , options_(options)
        , report_(report)
        , level_(options.level)
        , before_scan_(summary)
        , summary_(summary) {}

    Result<> write(int output_fd) {
        const std::unique_ptr<DumpWriter> writer = TRY(begin_writer(output_fd));
        const ScopeGuard note_result([&] {
            summary_.level = true_level();
            summary_.written_bytes = writer->written_bytes();
            writer->add_remarks(summary_.remarks);
        });
        ScopeGuard keep_what_stands([&] { writer->abandon(); });
        TRY(scan(*writer));
        TRY(fit_into_space(output_fd, *writer));
        if (true_level() != options_.level)
            TRY(writer->set_level(true_level()));
        TRY(copy(*writer));
        TRY(writer->finish());
        keep_what_stands.disarm();
        return {};
    }

private:
    Result<std::unique_ptr<DumpWriter>> begin_writer(int output_fd);
    Result<> scan(DumpWriter& writer);
    Result<> fit_into_space(int output_fd, DumpWriter& writer);
    Result<> copy(DumpWriter& writer);
    Result<> take(const PageBatch& batch, DumpWriter& writer);
    Result<std::size_t> next_pfns(std::span<std::uint64_t> pfns, DumpWriter& writer);

    const CoreFile& core_;
    const DumpOptions& options_;
    const ProgressReport& report_;
    // What the dump may say of itself: not that pages were left out which could not be told. What the core, a
    // dump itself, had left out already stays so.
    [[nodiscard]] unsigned true_level() const { return (level_ & ~summary_.unfilterable) | core_.level(); }

    unsigned level_; // that asked for, or a higher one
    const DumpSummary before_scan_;
    DumpSummary& summary_;
    DumpProgress progress_;
    std::optional<IdenticalPages> identical_;
    BitmapPiece copying_;
    std::uint64_t next_pfn_ = 0;
};

Result<std::unique_ptr<DumpWriter>> Dump::begin_writer(int output_fd) {
    if (options_.format == DumpFormat::elf)
        return TRY(ElfWriter::begin(output_fd, core_));
    return TRY(KdumpWriter::begin(output_fd, core_, options_));
}

// May be called again with another level.
Result<> Dump::scan(DumpWriter& writer) {
    summary_ = before_scan_;
    MemmapScan scan = MemmapScan::open(core_, level_, options_.threads, summary_.doubts);
    progress_ = {DumpProgress::Phase::scanning, 0, core_.end_pfn(), 0};
    // Bitmaps of nothing are not written: a hole in the file reads as zeroes.
    TRY(scan.run([&](const ScannedPiece& piece) -> Result<> {
        summary_.present_pages += piece.present_pages;
        summary_.left_out_pages += piece.left_out_pages;
        summary_.unreadable_pages += piece.unreadable_pages;
        summary_.dumped_pages += piece.dumped.count();
        TRY(writer.write_bitmaps(piece.present, piece.dumped));
        progress_.done_pages = piece.present.first_pfn();
        report_(progress_);
        return {};
    }));
    scan.add_to(summary_);
    return {};
}

// A dump that will not fit is made room for, or becomes a smaller one before its first page is written: more
// is left out, what is worth least first, until what is expected fits.
Result<> Dump::fit_into_space(int output_fd, DumpWriter& writer) {
    const auto forecast = [&] {
        return forecast_dump_space(core_, output_fd, writer, summary_.dumped_pages, options_.compression);
    };
    DumpSpace space = TRY(forecast());
    if (!space.is_enough() && options_.make_room) {
        options_.make_room(space.expected_bytes);
        space = TRY(forecast());
    }
    const std::uint64_t asked_bytes = space.expected_bytes;
    for (const unsigned bit : {exclude_free, exclude_cache, exclude_cache_private, exclude_user}) {
        if (space.is_enough())
            break;
        if (((level_ | summary_.unfilterable) & bit) != 0)
            continue;
        level_ |= bit;
        TRY(scan(writer));
        space = TRY(forecast());
    }
    if (level_ != options_.level)
        summary_.remarks.push_back(
            std::format("about {} bytes are expected at level {} and {} are free, leaving out more: level {}",
                        asked_bytes, options_.level, space.free_bytes, level_));
    if (!space.is_sure())
        summary_.remarks.push_back(std::format(
            "the dump may take up to {} bytes, about {} are expected, {} are free: {}", space.bound_bytes,
            space.expected_bytes, space.free_bytes, space.is_enough() ? "going on" : "writing what fits"));
    return {};
}

Result<> Dump::copy(DumpWriter& writer) {
    progress_ = {DumpProgress::Phase::copying, 0, summary_.dumped_pages, 0};
    TRY(writer.begin_pages(summary_.dumped_pages));
    TRY(writer.read_dumped(0, copying_));
    if (options_.identical_table_pages > 0)
        identical_.emplace(options_.identical_table_pages);
    PagePipeline pipeline = TRY(PagePipeline::make(core_, options_.compression, options_.threads,
                                                   identical_ ? &*identical_ : nullptr));
    return pipeline.run([&](std::span<std::uint64_t> pfns) { return next_pfns(pfns, writer); },
                        [&](const PageBatch& batch) { return take(batch, writer); });
}

Result<std::size_t> Dump::next_pfns(std::span<std::uint64_t> pfns, DumpWriter& writer) {
    std::size_t count = 0;
    while (count < pfns.size()) {
        const std::uint64_t pfn = copying_.next_set(next_pfn_);
        next_pfn_ = pfn;
        if (pfn < copying_.end_pfn()) {
            pfns[count++] = pfn;
            ++next_pfn_;
        } else if (pfn < core_.end_pfn()) {
            TRY(writer.read_dumped(pfn, copying_));
        } else {
            break;
        }
    }
    return count;
}

Result<> Dump::take(const PageBatch& batch, DumpWriter& writer) {
    std::span<const std::byte> data = batch.data;
    for (const PageBatch::Page& page : std::span(batch.pages).first(batch.count)) {
        switch (page.kind) {
        case PageBatch::Kind::data: {
            const auto place = TRY(writer.append(page.pfn, data.first(page.bytes), page.flags));
            if (page.has_slot)
                identical_->set_place(page.slot, place);
            data = data.subspan(page.bytes);
            break;
        }
        case PageBatch::Kind::identical:
            TRY(writer.append_again(page.pfn, identical_->place(page.slot)));
            ++summary_.identical_pages;
            break;
        case PageBatch::Kind::zero:
            TRY(writer.append_zero_page(page.pfn));
            ++summary_.zero_pages;
            break;
        case PageBatch::Kind::unreadable:
            TRY(writer.lose_page(page.pfn));
            ++summary_.unreadable_pages;
            --summary_.dumped_pages;
            break;
        }
    }
    progress_.done_pages += batch.count;
    progress_.written_bytes = writer.written_bytes();
    report_(progress_);
    return {};
}

} // namespace

std::string_view name_of(PageClass page_class) {
    switch (page_class) {
    case PageClass::kept:
        return "kept";
    case PageClass::cache:
        return "cache";
    case PageClass::cache_private:
        return "cache_private";
    case PageClass::user:
        return "user";
    case PageClass::free:
        return "free";
    case PageClass::hwpoison:
        return "hwpoison";
    case PageClass::offline:
        return "offline";
    }
    return "unknown";
}

DumpOutcome write_dump(const CoreFile& core, int output_fd, const DumpOptions& options,
                       const ProgressReport& report) {
    DumpOutcome outcome;
    outcome.summary.doubts = core.doubts();
    DumpOptions settled = options;
    settled.level |= core.level();           // what a dump has left out does not come back
    if (settled.format == DumpFormat::elf) { // has neither compressed nor shared pages
        settled.compression = {Compression::Method::none, 0};
        settled.identical_table_pages = 0;
    }
    if (auto done = Dump(core, settled, report, outcome.summary).write(output_fd); !done)
        outcome.error = std::move(done).error();
    return outcome;
}

} // namespace lifeboat
