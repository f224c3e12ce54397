// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/archive/decompressor.h"

#include "host/archive/stream_decompressors.h"

#include <algorithm>

namespace lifeboat::host {

namespace {

class Copier : public Decompressor {
public:
    explicit Copier(DecompressorInput input)
        : input_(std::move(input)) {}

    Result<std::size_t> read(std::span<std::byte> output) override {
        const std::span<const std::byte> input = TRY(input_.next());
        const std::size_t count = std::min(output.size(), input.size());
        std::ranges::copy(input.first(count), output.begin());
        input_.consume(count);
        return count;
    }
    [[nodiscard]] std::size_t consumed_bytes() const override { return input_.consumed(); }

private:
    DecompressorInput input_;
};

} // namespace

DecompressorResult make_copier(DecompressorInput input) {
    return std::make_unique<Copier>(std::move(input));
}

namespace {

DecompressorResult make_for(Compression compression, DecompressorInput input) {
    switch (compression) {
    case Compression::none:
        return make_copier(std::move(input));
    case Compression::gzip:
        return make_gzip_decompressor(std::move(input));
    case Compression::bzip2:
        return make_bzip2_decompressor(std::move(input));
    case Compression::lzma:
        return make_lzma_decompressor(std::move(input));
    case Compression::xz:
        return make_xz_decompressor(std::move(input));
    case Compression::lzop:
        return make_lzop_decompressor(std::move(input));
    case Compression::lz4:
        return make_lz4_decompressor(std::move(input));
    case Compression::lz4_legacy:
        return make_lz4_legacy_decompressor(std::move(input));
    case Compression::zstd:
        break;
    }
    return make_zstd_decompressor(std::move(input));
}

} // namespace

DecompressorResult make_decompressor(Compression compression, std::span<const std::byte> input,
                                     std::uint64_t file_offset) {
    return make_for(compression, {std::make_shared<PackedMemory>(input), 0, file_offset});
}

DecompressorResult make_decompressor(Compression compression, std::shared_ptr<PackedBytes> bytes,
                                     std::uint64_t begin) {
    return make_for(compression, {std::move(bytes), begin, begin});
}

} // namespace lifeboat::host
