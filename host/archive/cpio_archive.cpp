// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/archive/cpio_archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

namespace lifeboat::host {

namespace {

constexpr std::uint64_t trailer_bytes = 110 + 14; // a header and "TRAILER!!!", padded
// libarchive keeps a name and a link's target in memory, whatever length a damaged header gives (it asks for
// so much address space at once). The kernel takes 4096 bytes of each.
constexpr std::uint64_t ahead_limit_bytes = std::uint64_t{1} << 20;

std::string text_or_empty(const char* text) {
    return text == nullptr ? "" : text;
}

CpioEntry entry_of(::archive_entry* entry) {
    CpioEntry described{
        .path = text_or_empty(::archive_entry_pathname(entry)),
        .mode = ::archive_entry_mode(entry),
        .owner = static_cast<uid_t>(::archive_entry_uid(entry)),
        .group = static_cast<gid_t>(::archive_entry_gid(entry)),
        .links = ::archive_entry_nlink(entry),
        .content_bytes = static_cast<std::uint64_t>(::archive_entry_size(entry)),
        .modified_seconds = ::archive_entry_mtime(entry),
        .device_major = static_cast<unsigned>(::archive_entry_rdevmajor(entry)),
        .device_minor = static_cast<unsigned>(::archive_entry_rdevminor(entry)),
        .link_target = text_or_empty(::archive_entry_symlink(entry)),
        .hard_link_to = text_or_empty(::archive_entry_hardlink(entry)),
    };
    // Folders have several links by nature, and some archivers number no inodes. The kernel links none
    // either.
    if (S_ISDIR(described.mode))
        described.hard_link_to.clear();
    return described;
}

} // namespace

void CpioArchive::FreeArchive::operator()(::archive* archive) const {
    ::archive_read_free(archive);
}

CpioArchive::CpioArchive(UnpackedStream& stream)
    : stream_(stream)
    , begin_(stream.position())
    , archive_(::archive_read_new()) {}

la_ssize_t CpioArchive::give_piece(::archive* archive, void* self, const void** bytes) {
    auto& that = *static_cast<CpioArchive*>(self);
    if (that.bytes_ahead() > ahead_limit_bytes) {
        ::archive_set_error(archive, EILSEQ, "a name or link of impossible length");
        return ARCHIVE_FATAL;
    }
    const auto piece = that.stream_.next();
    if (!piece) {
        that.stream_error_ = piece.error();
        return ARCHIVE_FATAL;
    }
    *bytes = piece->data();
    return static_cast<la_ssize_t>(piece->size());
}

std::uint64_t CpioArchive::position() const {
    return begin_ + static_cast<std::uint64_t>(::archive_filter_bytes(archive_.get(), 0));
}

std::uint64_t CpioArchive::bytes_ahead() const {
    return open_ ? stream_.position() - position() : 0;
}

void CpioArchive::give_back_rest() {
    stream_.give_back(bytes_ahead());
}

std::unexpected<Error> CpioArchive::failure(std::uint64_t at, std::string_view what) {
    failed_ = true;
    error_position_ = at;
    if (stream_error_)
        return fail(*stream_error_);
    return fail(ErrorKind::corrupt, "{}", what);
}

Result<std::optional<CpioEntry>> CpioArchive::next() {
    if (!open_) {
        if (!archive_ || ::archive_read_support_format_cpio(archive_.get()) != ARCHIVE_OK)
            return fail(ErrorKind::system, "read an archive: no memory");
        if (::archive_read_open(archive_.get(), this, nullptr, give_piece, nullptr) != ARCHIVE_OK)
            return failure(begin_, "no archive begins there");
        open_ = true;
    } else if (::archive_read_data_skip(archive_.get()) != ARCHIVE_OK) {
        return failure(stream_.position(), "the data ends there, within a file");
    }
    const std::uint64_t at = position();
    ::archive_entry* entry = nullptr;
    const int result = ::archive_read_next_header(archive_.get(), &entry);
    const int format = ::archive_format(archive_.get());
    // libarchive does not tell that it searched when what it found is the end.
    if (result == ARCHIVE_EOF && position() != at + trailer_bytes)
        return failure(at, "the entry there is damaged or cut off");
    if (result == ARCHIVE_EOF) {
        give_back_rest();
        return std::optional<CpioEntry>();
    }
    if (result != ARCHIVE_OK && stream_.position() == at)
        return failure(at, "the data ends there, without the archive's end mark");
    if (result != ARCHIVE_OK)
        return failure(at, "the entry there is damaged or cut off");
    if (format != ARCHIVE_FORMAT_CPIO_SVR4_NOCRC && format != ARCHIVE_FORMAT_CPIO_SVR4_CRC)
        return failure(at, "a cpio archive of another kind than newc, which the kernel does not read");
    return entry_of(entry);
}

Result<std::size_t> CpioArchive::read(std::span<std::byte> output) {
    const la_ssize_t count = ::archive_read_data(archive_.get(), output.data(), output.size());
    if (count < 0)
        return failure(stream_.position(), "the data ends there, within a file");
    return static_cast<std::size_t>(count);
}

} // namespace lifeboat::host
