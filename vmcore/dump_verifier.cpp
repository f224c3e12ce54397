// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/dump_verifier.h"

#include "vmcore/core_file.h"
#include "vmcore/core_piece.h"
#include "vmcore/dump_digest.h"
#include "vmcore/kdump_headers.h"
#include "vmcore/kdump_pages.h"
#include "vmcore/page_decompressor.h"

#include <algorithm>
#include <cstring>
#include <optional>

namespace lifeboat {

namespace {

constexpr std::uint64_t pages_per_report = 256;
constexpr std::uint64_t digest_step_bytes = std::uint64_t{4} << 20;

class KdumpVerifier {
public:
    KdumpVerifier(const CoreFacts& facts, const KdumpHeaders& headers, const ProgressReport& report)
        : facts_(facts)
        , headers_(headers)
        , report_(report)
        , file_(facts.windowed())
        , page_(headers.block_bytes) {}

    Result<DumpVerdict> verify() {
        if (headers_.is_incomplete())
            note(DumpVerdict::State::incomplete, "the header says that it is incomplete");
        TRY(check_bitmaps());
        TRY(check_pages());
        TRY(check_digests());
        return std::move(verdict_);
    }

private:
    // Pages with the same fault: how many, and what was said of the first.
    struct Faults {
        std::uint64_t count = 0;
        std::string first;
        void note(std::uint64_t pfn, const Error& error) {
            if (count++ == 0)
                first = std::format("pfn {:#x}: {}", pfn, error.text);
        }
    };

    void note(DumpVerdict::State state, std::string finding) {
        verdict_.state = std::max(verdict_.state, state);
        verdict_.findings.push_back(std::move(finding));
    }

    Result<> check_bitmaps();
    Result<> check_pages();
    Result<> check_page(const KdumpPages::Page& page);
    void report_pages(std::uint64_t seen);
    Result<std::optional<KdumpTrailer>> read_trailer();
    [[nodiscard]] bool is_sound(const KdumpTrailer& trailer) const;
    Result<> check_digests();
    Result<> check_digest(std::string_view part, std::uint64_t from, std::uint64_t to,
                          const std::uint8_t (&expected)[16]);

    const CoreFacts& facts_;
    const KdumpHeaders& headers_;
    const ProgressReport& report_;
    FileWindows file_;
    PageDecompressor decompressor_;
    std::vector<std::byte> page_;
    std::vector<std::byte> data_;
    std::uint64_t page_count_ = 0;
    DumpVerdict verdict_;
};

Result<> KdumpVerifier::check_bitmaps() {
    BitmapPiece present;
    BitmapPiece dumped;
    std::uint64_t absent_pages = 0;
    std::uint64_t first_absent = 0;
    for (std::uint64_t pfn = 0; pfn < headers_.end_pfn; pfn += BitmapPiece::pages) {
        TRY(headers_.present.read(file_, pfn, present));
        TRY(headers_.dumped.read(file_, pfn, dumped));
        page_count_ += dumped.count();
        dumped.take_out(present);
        if (absent_pages == 0)
            first_absent = dumped.next_set(pfn);
        absent_pages += dumped.count();
    }
    if (absent_pages > 0)
        note(DumpVerdict::State::damaged,
             std::format("the bitmaps do not agree: {} pages are in the dump that the machine did not have, "
                         "the first is pfn {:#x}",
                         absent_pages, first_absent));
    const std::uint64_t descriptors_end =
        headers_.descriptors_offset + page_count_ * sizeof(KdumpPageDescriptor);
    if (descriptors_end > facts_.size_bytes)
        note(DumpVerdict::State::incomplete,
             std::format("it ends at {:#x}, before its {} page descriptors do at {:#x}", facts_.size_bytes,
                         page_count_, descriptors_end));
    return {};
}

Result<> KdumpVerifier::check_pages() {
    KdumpPages pages(headers_, file_);
    Faults lost;
    Faults faulty;
    for (std::uint64_t seen = 0;; ++seen) {
        const auto page = pages.next();
        if (!page && page.error().kind == ErrorKind::system)
            return fail(page.error());
        if (!page || !*page)
            break; // an error: the file ends within the descriptors, which is noted
        const auto checked = check_page(**page);
        if (checked)
            ++verdict_.pages;
        else if (checked.error().kind == ErrorKind::system)
            return checked; // of the disk, not of the dump: each further try may take it half a minute
        else
            (checked.error().kind == ErrorKind::no_data ? lost : faulty).note((*page)->pfn, checked.error());
        report_pages(seen);
    }
    if (lost.count > 0)
        note(DumpVerdict::State::incomplete,
             std::format("{} pages are lost, the first is {}", lost.count, lost.first));
    if (faulty.count > 0)
        note(DumpVerdict::State::damaged,
             std::format("{} pages are damaged, the first is {}", faulty.count, faulty.first));
    return {};
}

Result<> KdumpVerifier::check_page(const KdumpPages::Page& page) {
    TRY(check_descriptor(page.descriptor, headers_, facts_.size_bytes));
    data_.resize(page.descriptor.bytes);
    TRY(file_.read(page.descriptor.offset, data_));
    return decompressor_.decompress(page.descriptor.flags, data_, page_);
}

void KdumpVerifier::report_pages(std::uint64_t seen) {
    if (seen % pages_per_report == 0)
        report_({DumpProgress::Phase::copying, seen, page_count_, 0});
}

// Nothing where the file does not end in one.
Result<std::optional<KdumpTrailer>> KdumpVerifier::read_trailer() {
    KdumpTrailer trailer{};
    if (facts_.size_bytes < headers_.descriptors_offset + sizeof(trailer))
        return std::nullopt;
    TRY(file_.read(facts_.size_bytes - sizeof(trailer), std::as_writable_bytes(std::span(&trailer, 1))));
    if (std::memcmp(trailer.signature, kdump_trailer_signature, sizeof(trailer.signature)) != 0)
        return std::nullopt;
    return trailer;
}

bool KdumpVerifier::is_sound(const KdumpTrailer& trailer) const {
    return trailer.check == check_of(trailer) && trailer.descriptors_offset == headers_.descriptors_offset &&
           trailer.descriptors_offset <= trailer.data_offset && trailer.data_offset <= trailer.data_end &&
           trailer.data_end == facts_.size_bytes - sizeof(trailer);
}

Result<> KdumpVerifier::check_digests() {
    const auto trailer = TRY(read_trailer());
    if (!trailer)
        return {};
    verdict_.digests = DumpVerdict::Digests::right;
    if (!is_sound(*trailer)) {
        verdict_.digests = DumpVerdict::Digests::wrong;
        note(DumpVerdict::State::damaged, "the trailer that holds the digests is damaged");
        return {};
    }
    if (trailer->version != kdump_trailer_version || trailer->algorithm != kdump_trailer_xxh3) {
        verdict_.digests = DumpVerdict::Digests::absent;
        return {};
    }
    TRY(check_digest("headers, notes or bitmaps", 0, trailer->descriptors_offset, trailer->headers_digest));
    TRY(check_digest("page descriptors", trailer->descriptors_offset, trailer->data_offset,
                     trailer->descriptors_digest));
    return check_digest("page data", trailer->data_offset, trailer->data_end, trailer->data_digest);
}

Result<> KdumpVerifier::check_digest(std::string_view part, std::uint64_t from, std::uint64_t to,
                                     const std::uint8_t (&expected)[16]) {
    DumpDigest digest;
    for (std::uint64_t at = from; at < to;) {
        const auto bytes = TRY(file_.view(at, std::min(digest_step_bytes, to - at)));
        digest.update(bytes);
        at += bytes.size();
    }
    if (std::ranges::equal(digest.finish(), expected))
        return {};
    verdict_.digests = DumpVerdict::Digests::wrong;
    note(
        DumpVerdict::State::damaged,
        std::format("the digest of the {} ({:#x} to {:#x}) is not the one that was written", part, from, to));
    return {};
}

// An ELF core has nothing that its data could be checked against.
Result<DumpVerdict> verify_elf(const CoreFile& core) {
    DumpVerdict verdict;
    CorePiece piece;
    for (std::uint64_t pfn = 0; pfn < core.end_pfn(); pfn += BitmapPiece::pages) {
        TRY(piece.load(core, pfn));
        verdict.pages += piece.held.count();
    }
    if (core.is_truncated()) {
        verdict.state = DumpVerdict::State::incomplete;
        verdict.findings = core.doubts();
    }
    return verdict;
}

} // namespace

Result<DumpVerdict> verify_dump(const std::string& path, const ProgressReport& report) {
    // Mapped, a sector that cannot be read would end the program.
    const CoreFile core = TRY(CoreFile::open(path, CoreAccess::read));
    if (core.kdump() == nullptr)
        return verify_elf(core);
    const CoreFacts& facts = core.image().facts();
    const KdumpHeaders headers = TRY(KdumpHeaders::read(facts.file.get(), facts.size_bytes, facts.path));
    return KdumpVerifier(facts, headers, report).verify();
}

} // namespace lifeboat
