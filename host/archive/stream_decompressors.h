// SPDX-License-Identifier: GPL-2.0-or-later
// The decompressors, each over its library; make_decompressor() is what chooses. What they share: a view of
// the input and how an error is put.
#pragma once

#include "host/archive/decompressor.h"
#include "host/archive/packed_bytes.h"

#include <string_view>

namespace lifeboat::host {

// The input, as far as it has not been used.
class DecompressorInput {
public:
    // From `begin` in `bytes`; errors name the place in the file, which `file_offset` is where `begin`
    // stands.
    DecompressorInput(std::shared_ptr<PackedBytes> bytes, std::uint64_t begin, std::uint64_t file_offset)
        : bytes_(std::move(bytes))
        , begin_(begin)
        , file_offset_(file_offset) {}

    // The next of it: `at_least` bytes or all that there are, none only at the end. Holds until the next
    // call.
    Result<std::span<const std::byte>> next(std::size_t at_least = 1) {
        return bytes_->at(begin_ + consumed_, at_least);
    }
    [[nodiscard]] std::uint64_t remaining() const { return bytes_->size() - begin_ - consumed_; }
    [[nodiscard]] std::size_t consumed() const { return consumed_; }
    void consume(std::size_t bytes) { consumed_ += bytes; }

    [[nodiscard]] std::unexpected<Error> damaged(std::string_view method, std::string_view what) const {
        return fail(ErrorKind::corrupt, "decompress {} at byte {}: {}", method, file_offset_ + consumed_,
                    what);
    }
    [[nodiscard]] std::unexpected<Error> cut(std::string_view method) const {
        return damaged(method, "the data ends there, but not the stream");
    }

private:
    std::shared_ptr<PackedBytes> bytes_;
    std::uint64_t begin_;
    std::uint64_t file_offset_;
    std::size_t consumed_ = 0;
};

// Over a library that takes a step at a time, which may make nothing yet.
class SteppingDecompressor : public Decompressor {
public:
    explicit SteppingDecompressor(DecompressorInput input)
        : input_(std::move(input)) {}

    Result<std::size_t> read(std::span<std::byte> output) final {
        std::size_t made = 0;
        while (!ended_ && made == 0)
            made = TRY(step(output));
        return made;
    }
    [[nodiscard]] std::size_t consumed_bytes() const final { return input_.consumed(); }

protected:
    // Consumes input, sets `ended_` at the stream's end, and returns how many bytes it made.
    virtual Result<std::size_t> step(std::span<std::byte> output) = 0;

    DecompressorInput input_;
    bool ended_ = false;
};

using DecompressorResult = Result<std::unique_ptr<Decompressor>>;

DecompressorResult make_copier(DecompressorInput input);
DecompressorResult make_gzip_decompressor(DecompressorInput input);
DecompressorResult make_bzip2_decompressor(DecompressorInput input);
DecompressorResult make_lzma_decompressor(DecompressorInput input); // the older format of xz's
DecompressorResult make_xz_decompressor(DecompressorInput input);
DecompressorResult make_lzop_decompressor(DecompressorInput input);
DecompressorResult make_lz4_decompressor(DecompressorInput input);
DecompressorResult make_lz4_legacy_decompressor(DecompressorInput input);
DecompressorResult make_zstd_decompressor(DecompressorInput input);

} // namespace lifeboat::host
