// SPDX-License-Identifier: GPL-2.0-or-later
// One compressed stream (a gzip member, an xz stream, a zstd frame), decompressed piece by piece.
//
//     auto stream = TRY(make_decompressor(Compression::xz, input, offset));
//     for (;;) { const std::size_t count = TRY(stream->read(buffer)); if (count == 0) break; ... }
//     ... input.subspan(stream->consumed_bytes()) is what follows the stream
//
// Memory: what the stream's own window or block wants, at most 512 MiB; more is unsupported.
#pragma once

#include "base/result.h"
#include "host/archive/compression.h"
#include "host/archive/packed_bytes.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace lifeboat::host {

class Decompressor {
public:
    virtual ~Decompressor() = default;

    // Fills `output`, or less of it; 0 at the stream's end. A damaged or cut stream is corrupt, and the text
    // says what, and at which byte of the file it was noticed. What cannot be read fails with system.
    virtual Result<std::size_t> read(std::span<std::byte> output) = 0;

    // Of the input, so far; after the end: the length of the stream.
    [[nodiscard]] virtual std::size_t consumed_bytes() const = 0;
};

// `input` begins with the stream and must outlive the result; it may go on after the stream. `file_offset` is
// where it stands in the file, for the errors. Compression::none: all of the input as it is.
Result<std::unique_ptr<Decompressor>>
make_decompressor(Compression compression, std::span<const std::byte> input, std::uint64_t file_offset = 0);
// The same of what stands in `bytes` from `begin` on.
Result<std::unique_ptr<Decompressor>>
make_decompressor(Compression compression, std::shared_ptr<PackedBytes> bytes, std::uint64_t begin);

} // namespace lifeboat::host
