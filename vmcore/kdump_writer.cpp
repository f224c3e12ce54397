// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/kdump_writer.h"

#include "base/descriptor.h"
#include "vmcore/kernel_memory.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <unistd.h>

namespace lifeboat {

namespace {

// Of 256 GiB of addresses.
constexpr std::uint64_t whole_bitmaps_limit = std::uint64_t{16} << 20;

constexpr std::string_view output_name = "the dump";
constexpr std::size_t descriptors_held = 4096;

constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t step) {
    return (value + step - 1) / step * step;
}

template <class Struct>
std::span<const std::byte> bytes_of(const Struct& value) {
    return std::as_bytes(std::span(&value, 1));
}

// The dead kernel's name and release, for readers that show them: out of its memory, or as a dump that was
// made before has them; zeroes where they cannot be had.
KdumpUtsname read_utsname(const CoreFile& core) {
    KdumpUtsname names = core.kdump() != nullptr ? core.kdump()->utsname : KdumpUtsname{};
    const auto name_space = core.vmcoreinfo().symbol("init_uts_ns");
    const auto offset = core.vmcoreinfo().offset("uts_namespace.name");
    auto memory = KernelMemory::open(core);
    if (name_space && offset && memory)
        if (const auto read = memory->read_value<KdumpUtsname>(*name_space + *offset))
            names = *read;
    if (const auto release = core.vmcoreinfo().value("OSRELEASE"); release && names.release[0] == '\0')
        release->copy(names.release, sizeof(names.release) - 1);
    for (char* name :
         {names.sysname, names.nodename, names.release, names.version, names.machine, names.domainname})
        name[sizeof(names.sysname) - 1] = '\0';
    return names;
}

void update_with_zeroes(DumpDigest& digest, std::uint64_t count) {
    static constexpr std::array<std::byte, 4096> zeroes{};
    for (std::uint64_t done = 0; done < count; done += zeroes.size())
        digest.update(std::span(zeroes).first(std::min<std::uint64_t>(zeroes.size(), count - done)));
}

std::uint32_t flag_of(Compression::Method method) {
    switch (method) {
    case Compression::Method::zstd:
        return kdump_zstd;
    case Compression::Method::zlib:
        return kdump_zlib;
    case Compression::Method::none:
        break;
    }
    return 0;
}

} // namespace

Result<std::unique_ptr<KdumpWriter>> KdumpWriter::begin(int fd, const CoreFile& core,
                                                        const DumpOptions& options) {
    std::unique_ptr<KdumpWriter> writer(new KdumpWriter(fd, core.page_bytes()));
    writer->flush_at_ = descriptors_held;
    TRY(writer->write_headers(core, options));
    return writer;
}

Result<> KdumpWriter::write_headers(const CoreFile& core, const DumpOptions& options) {
    const std::span<const std::byte> notes = core.notes();
    const std::uint64_t sub_header_blocks =
        round_up(sizeof(KdumpSubHeader) + notes.size(), block_bytes_) / block_bytes_;
    bitmap_bytes_ = round_up((core.end_pfn() + 7) / 8, block_bytes_);
    bitmap1_offset_ = (1 + sub_header_blocks) * block_bytes_;
    descriptors_end_ = bitmap1_offset_ + 2 * bitmap_bytes_;
    descriptors_offset_ = descriptors_end_;
    headers_end_ = descriptors_end_;
    compression_flag_ = flag_of(options.compression.method);

    KdumpHeader header{};
    std::memcpy(header.signature, kdump_signature, sizeof(header.signature));
    header.header_version = kdump_version;
    header.utsname = read_utsname(core);
    header.timestamp_seconds = core.vmcoreinfo().crash_time().value_or(
        core.kdump() != nullptr ? core.kdump()->crash_time : ::time(nullptr));
    header.status = compression_flag_ | kdump_incomplete;
    header.block_bytes = static_cast<std::int32_t>(block_bytes_);
    header.sub_header_blocks = static_cast<std::int32_t>(sub_header_blocks);
    header.bitmap_blocks = static_cast<std::uint32_t>(2 * bitmap_bytes_ / block_bytes_);
    header.max_mapnr = static_cast<std::uint32_t>(std::min<std::uint64_t>(core.end_pfn(), UINT32_MAX));
    header.cpu_count = static_cast<std::int32_t>(core.cpu_count());

    KdumpSubHeader sub_header{};
    sub_header.physical_base = static_cast<std::uint64_t>(core.vmcoreinfo().number("phys_base").value_or(0));
    sub_header.dump_level = static_cast<std::int32_t>(options.level);
    sub_header.notes_offset = block_bytes_ + sizeof(sub_header);
    sub_header.notes_bytes = notes.size();
    if (!core.vmcoreinfo().empty()) {
        sub_header.vmcoreinfo_offset = sub_header.notes_offset + core.vmcoreinfo_notes_offset();
        sub_header.vmcoreinfo_bytes = core.vmcoreinfo().text().size();
    }
    sub_header.max_mapnr_64 = core.end_pfn();

    TRY(write_all_at(fd_, bytes_of(header), 0, output_name));
    TRY(write_all_at(fd_, bytes_of(sub_header), block_bytes_, output_name));
    return write_all_at(fd_, notes, sub_header.notes_offset, output_name);
}

Result<> KdumpWriter::write_bitmaps(const BitmapPiece& present, const BitmapPiece& dumped) {
    const std::uint64_t at = present.first_pfn() / 8;
    const std::uint64_t bytes = std::min<std::uint64_t>(present.bytes().size(), bitmap_bytes_ - at);
    if (2 * bitmap_bytes_ > whole_bitmaps_limit) {
        TRY(reserve(bitmap1_offset_ + at, bytes));
        TRY(reserve(bitmap1_offset_ + bitmap_bytes_ + at, bytes));
    }
    TRY(write_all_at(fd_, present.bytes().first(bytes), bitmap1_offset_ + at, output_name));
    return write_all_at(fd_, dumped.bytes().first(bytes), bitmap1_offset_ + bitmap_bytes_ + at, output_name);
}

Result<> KdumpWriter::read_dumped(std::uint64_t first_pfn, BitmapPiece& piece) {
    piece.reset(first_pfn);
    const std::uint64_t at = first_pfn / 8;
    const std::uint64_t bytes = std::min<std::uint64_t>(piece.bytes().size(), bitmap_bytes_ - at);
    return read_exactly_at(fd_, piece.bytes().first(bytes), bitmap1_offset_ + bitmap_bytes_ + at,
                           output_name);
}

Result<> KdumpWriter::set_level(unsigned level) {
    const auto value = static_cast<std::int32_t>(level);
    return write_all_at(fd_, bytes_of(value), block_bytes_ + offsetof(KdumpSubHeader, dump_level),
                        output_name);
}

Result<> KdumpWriter::begin_pages(std::uint64_t page_count) {
    descriptors_limit_ = descriptors_end_ + page_count * sizeof(KdumpPageDescriptor);
    headers_end_ = round_up(descriptors_limit_, block_bytes_);
    // Sets the size too, and bitmap pieces that were not written read as zero.
    if (::ftruncate(fd_, static_cast<off_t>(headers_end_)) != 0)
        return fail_system("extend {} to {} bytes", output_name, headers_end_);
    TRY(reserve_headers());
    data_ = TRY(BlockOutput::open(fd_, headers_end_, block_bytes_, std::string(output_name)));
    return {};
}

// Room for the headers is taken before the data's: a file system that takes it when it writes back may then
// have none but a bad one left, and a header that is lost makes the whole dump worthless. Bitmaps are mostly
// holes where the machine had memory at few addresses, up to gigabytes: two bits for each page up to the
// highest. Where they are large, only those pieces get room that are written.
Result<> KdumpWriter::reserve_headers() {
    if (2 * bitmap_bytes_ <= whole_bitmaps_limit)
        return reserve(0, headers_end_);
    TRY(reserve(0, bitmap1_offset_));
    return reserve(descriptors_offset_, headers_end_ - descriptors_offset_);
}

Result<> KdumpWriter::reserve(std::uint64_t offset, std::uint64_t bytes) {
    int result = 0;
    do
        result = bytes == 0 ? 0 : ::fallocate(fd_, 0, static_cast<off_t>(offset), static_cast<off_t>(bytes));
    while (result != 0 && errno == EINTR);
    if (result != 0 && errno != EOPNOTSUPP)
        return fail_system("allocate {} bytes for the headers of {}", bytes, output_name);
    return {};
}

Result<StoredPage> KdumpWriter::append(std::uint64_t /*pfn*/, std::span<const std::byte> data,
                                       std::uint32_t flags) {
    const StoredPage place{data_->end(), static_cast<std::uint32_t>(data.size()), flags};
    TRY(data_->append(data));
    data_digest_.update(data);
    TRY(describe(place));
    return place;
}

Result<> KdumpWriter::append_again(std::uint64_t /*pfn*/, const StoredPage& place) {
    return describe(place);
}

Result<> KdumpWriter::append_zero_page(std::uint64_t pfn) {
    if (zero_page_.offset != 0)
        return describe(zero_page_);
    const std::vector<std::byte> zeroes(block_bytes_);
    zero_page_ = TRY(append(pfn, zeroes, 0));
    return {};
}

Result<> KdumpWriter::lose_page(std::uint64_t pfn) {
    const std::uint64_t at = bitmap1_offset_ + bitmap_bytes_ + pfn / 8;
    std::byte bits{};
    TRY(read_exactly_at(fd_, std::span(&bits, 1), at, output_name));
    bits &= ~(std::byte{1} << pfn % 8);
    return write_all_at(fd_, std::span(&bits, 1), at, output_name);
}

Result<> KdumpWriter::describe(const StoredPage& place) {
    descriptors_.push_back({place.offset, place.bytes, place.flags, 0});
    if (descriptors_.size() < flush_at_)
        return {};
    // Some may have to wait for data that is on its way; pushed, it will be there when as many more have
    // come.
    TRY(data_->push());
    TRY(flush_descriptors());
    flush_at_ = descriptors_.size() + descriptors_held;
    return {};
}

Result<> KdumpWriter::flush_descriptors() {
    const std::uint64_t written_end = data_->written_end();
    const auto held_back = std::ranges::find_if(descriptors_, [&](const KdumpPageDescriptor& page) {
        return page.offset + page.bytes > written_end;
    });
    const std::span ready(descriptors_.begin(), held_back);
    if (descriptors_end_ + ready.size_bytes() > descriptors_limit_)
        return fail(ErrorKind::corrupt, "write {}: more pages than its bitmap has", output_name);
    TRY(write_all_at(fd_, std::as_bytes(ready), descriptors_end_, output_name));
    descriptors_digest_.update(std::as_bytes(ready));
    descriptors_end_ += ready.size_bytes();
    descriptors_.erase(descriptors_.begin(), held_back);
    return {};
}

Result<> KdumpWriter::write_status(std::uint32_t status) {
    return write_all_at(fd_, bytes_of(status), offsetof(KdumpHeader, status), output_name);
}

Result<> KdumpWriter::finish() {
    TRY(data_->finish());
    TRY(flush_descriptors());
    TRY(write_trailer());
    if (::fdatasync(fd_) != 0)
        return fail_system("sync {}", output_name);
    TRY(write_status(compression_flag_));
    if (::fdatasync(fd_) != 0)
        return fail_system("sync {}", output_name);
    return {};
}

Result<> KdumpWriter::write_trailer() {
    // Pages that were lost leave room behind the descriptors, and the block is filled up.
    update_with_zeroes(descriptors_digest_, headers_end_ - descriptors_end_);
    KdumpTrailer trailer{};
    std::memcpy(trailer.signature, kdump_trailer_signature, sizeof(trailer.signature));
    trailer.version = kdump_trailer_version;
    trailer.algorithm = kdump_trailer_xxh3;
    trailer.descriptors_offset = descriptors_offset_;
    trailer.data_offset = headers_end_;
    trailer.data_end = data_->end();
    std::ranges::copy(TRY(digest_headers()), trailer.headers_digest);
    std::ranges::copy(descriptors_digest_.finish(), trailer.descriptors_digest);
    std::ranges::copy(data_digest_.finish(), trailer.data_digest);
    trailer.check = check_of(trailer);
    TRY(write_all_at(fd_, bytes_of(trailer), trailer.data_end, output_name));
    trailer_bytes_ = sizeof(trailer);
    return {};
}

// Read back, since bits of the bitmaps may have been taken back; as they will be when the dump is marked
// complete.
Result<DumpDigest::Value> KdumpWriter::digest_headers() {
    constexpr std::uint64_t piece_bytes = std::uint64_t{64} << 10;
    DumpDigest digest;
    std::vector<std::byte> piece(piece_bytes);
    for (std::uint64_t at = 0; at < descriptors_offset_; at += piece_bytes) {
        const auto part = std::span(piece).first(std::min(piece_bytes, descriptors_offset_ - at));
        TRY(read_exactly_at(fd_, part, at, output_name));
        if (at == 0)
            std::ranges::copy(bytes_of(compression_flag_), part.begin() + offsetof(KdumpHeader, status));
        digest.update(part);
    }
    return digest.finish();
}

void KdumpWriter::abandon() {
    if (data_) {
        data_->abandon();
        (void)flush_descriptors();
    }
    ::fdatasync(fd_);
}

void KdumpWriter::add_remarks(std::vector<std::string>& remarks) const {
    if (data_ && !data_->not_direct_because().empty())
        remarks.push_back(std::format("the page cache cannot be avoided ({}), letting go of what is written",
                                      data_->not_direct_because()));
}

} // namespace lifeboat
