// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/elf_writer.h"

#include "base/descriptor.h"
#include "vmcore/elf_segments.h"

#include <algorithm>
#include <cstring>

#include <unistd.h>

namespace lifeboat {

namespace {

constexpr std::string_view output_name = "the dump";
constexpr std::size_t buffer_bytes = std::size_t{1} << 20;
// A page that cannot be read splits its segment. Room for so many is a hole in the file where it is not
// needed.
constexpr std::uint64_t spare_headers = 16384;
constexpr std::size_t headers_held = 1024;

constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t step) {
    return (value + step - 1) / step * step;
}

template <class Struct>
std::span<const std::byte> bytes_of(const Struct& value) {
    return std::as_bytes(std::span(&value, 1));
}

} // namespace

ElfWriter::ElfWriter(int fd, const CoreFile& core)
    : fd_(fd)
    , core_(core)
    , layout_(VirtualLayout::of(core, remarks_))
    , page_bytes_(core.page_bytes())
    , bitmap_bytes_(round_up((core.end_pfn() + 7) / 8, core.page_bytes()))
    , bitmaps_offset_(core.page_bytes()) {}

Result<std::unique_ptr<ElfWriter>> ElfWriter::begin(int fd, const CoreFile& core) {
    if (core.elf_machine() == EM_NONE)
        return fail(ErrorKind::unsupported, "write {}: ELF has no number for the machine of '{}'",
                    output_name, core.path());
    std::unique_ptr<ElfWriter> writer(new ElfWriter(fd, core));
    writer->buffer_ = TRY(Mapping::anonymous(buffer_bytes));
    const std::uint64_t bitmaps_end = writer->bitmaps_offset_ + 2 * writer->bitmap_bytes_;
    if (::ftruncate(fd, static_cast<off_t>(bitmaps_end)) != 0)
        return fail_system("extend {} to {} bytes", output_name, bitmaps_end);
    return writer;
}

Result<> ElfWriter::write_bitmaps(const BitmapPiece& present, const BitmapPiece& dumped) {
    const std::uint64_t at = present.first_pfn() / 8;
    const std::uint64_t bytes = std::min<std::uint64_t>(present.bytes().size(), bitmap_bytes_ - at);
    TRY(write_all_at(fd_, present.bytes().first(bytes), bitmaps_offset_ + at, output_name));
    return write_all_at(fd_, dumped.bytes().first(bytes), bitmaps_offset_ + bitmap_bytes_ + at, output_name);
}

Result<> ElfWriter::read_dumped(std::uint64_t first_pfn, BitmapPiece& piece) {
    return read_bitmap(bitmaps_offset_ + bitmap_bytes_, first_pfn, piece);
}

Result<> ElfWriter::read_bitmap(std::uint64_t bitmap_offset, std::uint64_t first_pfn,
                                BitmapPiece& piece) const {
    piece.reset(first_pfn);
    const std::uint64_t at = first_pfn / 8;
    const std::uint64_t bytes = std::min<std::uint64_t>(piece.bytes().size(), bitmap_bytes_ - at);
    return read_exactly_at(fd_, piece.bytes().first(bytes), bitmap_offset + at, output_name);
}

// An ELF core does not tell its level.
Result<> ElfWriter::set_level(unsigned /*level*/) {
    return {};
}

// Now it is known how many segments there are, and so where the data begins and where it can end at most: the
// bitmaps, which stood where the program headers will be, move behind that.
Result<> ElfWriter::begin_pages(std::uint64_t page_count) {
    header_limit_ = TRY(count_headers()) + spare_headers;
    const std::uint64_t headers_end =
        sizeof(Elf64_Ehdr) + sizeof(Elf64_Shdr) + header_limit_ * sizeof(Elf64_Phdr);
    notes_offset_ = round_up(headers_end, page_bytes_);
    data_offset_ = round_up(notes_offset_ + core_.notes().size(), page_bytes_);
    buffer_offset_ = data_offset_;
    const std::uint64_t bitmaps_end = bitmaps_offset_ + 2 * bitmap_bytes_;
    TRY(move_bitmaps(std::max(data_offset_ + page_count * page_bytes_, bitmaps_end)));
    return write_all_at(fd_, core_.notes(), notes_offset_, output_name);
}

// Leaves zeroes where they were: holes, where the file system can make some.
Result<> ElfWriter::move_bitmaps(std::uint64_t to) {
    const std::uint64_t from = std::exchange(bitmaps_offset_, to);
    const std::uint64_t total = 2 * bitmap_bytes_;
    for (std::uint64_t done = 0; done < total; done += buffer_bytes) {
        const auto part = buffer_.bytes().first(std::min<std::uint64_t>(buffer_bytes, total - done));
        TRY(read_exactly_at(fd_, part, from + done, output_name));
        TRY(write_all_at(fd_, part, to + done, output_name));
    }
    if (::fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(from),
                    static_cast<off_t>(total)) == 0)
        return {};
    std::ranges::fill(buffer_.bytes(), std::byte{0});
    for (std::uint64_t done = 0; done < total; done += buffer_bytes)
        TRY(write_all_at(fd_, buffer_.bytes().first(std::min<std::uint64_t>(buffer_bytes, total - done)),
                         from + done, output_name));
    return {};
}

Result<StoredPage> ElfWriter::append(std::uint64_t pfn, std::span<const std::byte> data,
                                     std::uint32_t flags) {
    if (flags != 0 || data.size() != page_bytes_)
        return fail(ErrorKind::corrupt, "write {}: page {:#x} is not a plain page", output_name, pfn);
    if (buffered_ == buffer_bytes)
        TRY(flush());
    const StoredPage place{buffer_offset_ + buffered_, static_cast<std::uint32_t>(page_bytes_), 0};
    std::memcpy(buffer_.bytes().data() + buffered_, data.data(), data.size());
    buffered_ += data.size();
    return place;
}

// A segment's data is in one piece: what is there already is copied.
Result<> ElfWriter::append_again(std::uint64_t pfn, const StoredPage& place) {
    std::vector<std::byte> page(page_bytes_);
    TRY(flush());
    TRY(read_exactly_at(fd_, page, place.offset, output_name));
    TRY(append(pfn, page, 0));
    return {};
}

Result<> ElfWriter::append_zero_page(std::uint64_t /*pfn*/) {
    TRY(flush());
    buffer_offset_ += page_bytes_;
    return {};
}

Result<> ElfWriter::lose_page(std::uint64_t pfn) {
    const std::uint64_t at = bitmaps_offset_ + bitmap_bytes_ + pfn / 8;
    std::byte bits{};
    TRY(read_exactly_at(fd_, std::span(&bits, 1), at, output_name));
    bits &= ~(std::byte{1} << pfn % 8);
    return write_all_at(fd_, std::span(&bits, 1), at, output_name);
}

Result<> ElfWriter::flush() {
    TRY(write_all_at(fd_, buffer_.bytes().first(buffered_), buffer_offset_, output_name));
    buffer_offset_ += std::exchange(buffered_, 0);
    return {};
}

Result<> ElfWriter::walk_segments(const TakeHeader& take) {
    ElfSegments segments(layout_, page_bytes_, data_offset_, take);
    BitmapPiece present;
    BitmapPiece dumped;
    for (std::uint64_t pfn = 0; pfn < core_.end_pfn(); pfn += BitmapPiece::pages) {
        TRY(read_bitmap(bitmaps_offset_, pfn, present));
        TRY(read_dumped(pfn, dumped));
        TRY(segments.add(present, dumped));
    }
    return segments.finish();
}

Result<std::uint64_t> ElfWriter::count_headers() {
    std::uint64_t count = 1; // of the notes
    TRY(walk_segments([&](const Elf64_Phdr&) -> Result<> {
        ++count;
        return {};
    }));
    return count;
}

Result<> ElfWriter::write_program_headers() {
    header_count_ = TRY(count_headers());
    if (header_count_ > header_limit_)
        return fail(ErrorKind::no_space,
                    "write {}: so many pages could not be read that there is no room for {} program headers",
                    output_name, header_count_);
    std::vector<Elf64_Phdr> held;
    held.reserve(headers_held);
    std::uint64_t at = sizeof(Elf64_Ehdr);
    const auto write_held = [&]() -> Result<> {
        const auto bytes = std::as_bytes(std::span(held));
        TRY(write_all_at(fd_, bytes, at, output_name));
        at += bytes.size();
        held.clear();
        return {};
    };
    // The notes come first: crash looks for them there.
    held.push_back({.p_type = PT_NOTE,
                    .p_offset = notes_offset_,
                    .p_filesz = core_.notes().size(),
                    .p_memsz = core_.notes().size()});
    TRY(walk_segments([&](const Elf64_Phdr& header) -> Result<> {
        held.push_back(header);
        return held.size() == headers_held ? write_held() : Result<>{};
    }));
    return write_held();
}

// More program headers than e_phnum can tell: their count stands in section header 0 (gABI), behind them.
Result<> ElfWriter::write_section_header() {
    if (!needs_section_header())
        return {};
    Elf64_Shdr header{};
    header.sh_size = 1;
    header.sh_info = static_cast<Elf64_Word>(header_count_);
    return write_all_at(fd_, bytes_of(header), sizeof(Elf64_Ehdr) + header_count_ * sizeof(Elf64_Phdr),
                        output_name);
}

Result<> ElfWriter::write_elf_header() {
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_type = ET_CORE;
    header.e_machine = core_.elf_machine();
    header.e_version = EV_CURRENT;
    header.e_phoff = sizeof(header);
    header.e_ehsize = sizeof(header);
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = static_cast<Elf64_Half>(std::min<std::uint64_t>(header_count_, PN_XNUM));
    if (needs_section_header()) {
        header.e_shoff = sizeof(header) + header_count_ * sizeof(Elf64_Phdr);
        header.e_shentsize = sizeof(Elf64_Shdr);
        header.e_shnum = 1;
    }
    return write_all_at(fd_, bytes_of(header), 0, output_name);
}

Result<> ElfWriter::finish() {
    TRY(flush());
    TRY(write_program_headers());
    TRY(write_section_header());
    // Takes the bitmaps away, and makes holes of zero pages at the end.
    if (::ftruncate(fd_, static_cast<off_t>(buffer_offset_)) != 0)
        return fail_system("cut {} to {} bytes", output_name, buffer_offset_);
    if (::fdatasync(fd_) != 0)
        return fail_system("sync {}", output_name);
    TRY(write_elf_header());
    if (::fdatasync(fd_) != 0)
        return fail_system("sync {}", output_name);
    return {};
}

void ElfWriter::add_remarks(std::vector<std::string>& remarks) const {
    remarks.insert(remarks.end(), remarks_.begin(), remarks_.end());
}

// Without program headers nothing of it can be read.
void ElfWriter::abandon() {
    (void)flush();
}

} // namespace lifeboat
