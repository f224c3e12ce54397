// SPDX-License-Identifier: GPL-2.0-or-later
// One newc archive in a stream, by libarchive, entry by entry. Where libarchive searches on after a damaged
// header, this stops: what the kernel would not find is not shown. Source for the format: Linux
// Documentation/driver-api/early-userspace/buffer-format.rst.
#pragma once

#include "host/archive/cpio_entry.h"
#include "host/archive/unpacked_stream.h"

#include <memory>
#include <optional>

struct archive; // NOLINT(readability-identifier-naming): libarchive's

namespace lifeboat::host {

class CpioArchive : public EntryContent {
public:
    // The stream stands at the archive's first byte, and must outlive it.
    explicit CpioArchive(UnpackedStream& stream);

    // The next entry; nothing at the archive's end, where the stream then stands. Corrupt: a damaged header
    // or an end without its mark; unsupported: another kind of cpio; or what the stream's decompressor said.
    Result<std::optional<CpioEntry>> next();
    Result<std::size_t> read(std::span<std::byte> output) override;

    // Of what is unpacked: where the last error is.
    [[nodiscard]] std::uint64_t error_position() const { return error_position_; }
    [[nodiscard]] bool has_failed() const { return failed_; }

private:
    struct FreeArchive {
        void operator()(::archive* archive) const;
    };

    static long give_piece(::archive* archive, void* self, const void** bytes);
    [[nodiscard]] std::uint64_t position() const;
    [[nodiscard]] std::uint64_t bytes_ahead() const;
    void give_back_rest();
    std::unexpected<Error> failure(std::uint64_t at, std::string_view what);

    UnpackedStream& stream_;
    std::uint64_t begin_; // of what is unpacked
    std::unique_ptr<::archive, FreeArchive> archive_;
    std::optional<Error> stream_error_;
    bool open_ = false;
    bool failed_ = false;
    std::uint64_t error_position_ = 0;
};

} // namespace lifeboat::host
