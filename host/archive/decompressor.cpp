// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/archive/decompressor.h"

#include "host/archive/stream_decompressors.h"

#include <algorithm>

namespace lifeboat::host {

namespace {

class Copier : public Decompressor {
public:
    explicit Copier(DecompressorInput input)
        : input_(input) {}

    Result<std::size_t> read(std::span<std::byte> output) override {
        const std::size_t count = std::min(output.size(), input_.rest().size());
        std::ranges::copy(input_.rest().first(count), output.begin());
        input_.consume(count);
        return count;
    }
    [[nodiscard]] std::size_t consumed_bytes() const override { return input_.consumed(); }

private:
    DecompressorInput input_;
};

} // namespace

DecompressorResult make_copier(DecompressorInput input) {
    return std::make_unique<Copier>(input);
}

DecompressorResult make_decompressor(Compression compression, std::span<const std::byte> input,
                                     std::uint64_t file_offset) {
    const DecompressorInput whole(input, file_offset);
    switch (compression) {
    case Compression::none:
        return make_copier(whole);
    case Compression::gzip:
        return make_gzip_decompressor(whole);
    case Compression::bzip2:
        return make_bzip2_decompressor(whole);
    case Compression::lzma:
        return make_lzma_decompressor(whole);
    case Compression::xz:
        return make_xz_decompressor(whole);
    case Compression::lzop:
        return make_lzop_decompressor(whole);
    case Compression::lz4:
        return make_lz4_decompressor(whole);
    case Compression::lz4_legacy:
        return make_lz4_legacy_decompressor(whole);
    case Compression::zstd:
        break;
    }
    return make_zstd_decompressor(whole);
}

} // namespace lifeboat::host
