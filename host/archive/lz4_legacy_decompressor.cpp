// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel's lz4 (`lz4 -l`): magic, then blocks of {le32 compressed size, data}, each of 8 MiB when
// decompressed, the last one of less. Nothing marks the end, and nothing is checked by sums. Sources:
// doc/lz4_Frame_format.md of lz4, Linux lib/decompress_unlz4.c.
#include "host/archive/block_decompressor.h"

#include <lz4.h>

namespace lifeboat::host {

namespace {

constexpr std::size_t magic_bytes = 4;
constexpr std::uint32_t magic = 0x184c2102;
constexpr int block_bytes = 8 << 20;

std::uint32_t little_endian_32(std::span<const std::byte> bytes) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i)
        value |= std::to_integer<std::uint32_t>(bytes[i]) << (8 * i);
    return value;
}

class Lz4LegacyDecompressor : public BlockDecompressor {
public:
    using BlockDecompressor::BlockDecompressor;

protected:
    Result<> read_block() override {
        const std::span<const std::byte> rest = TRY(input().next(4));
        if (rest.size() < 4) {
            if (is_padding(rest))
                end();
            else
                return input().cut("lz4");
            return {};
        }
        const std::uint32_t compressed_bytes = little_endian_32(rest);
        if (compressed_bytes == magic) { // the first, or another stream that goes on where one ended
            input().consume(magic_bytes);
            return {};
        }
        // What can be no block's size begins something else: padding, or an archive that is not compressed.
        if (compressed_bytes == 0 || compressed_bytes > LZ4_COMPRESSBOUND(block_bytes)) {
            end();
            return {};
        }
        return decompress(compressed_bytes);
    }

private:
    static bool is_padding(std::span<const std::byte> bytes) {
        return std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; });
    }

    Result<> decompress(std::size_t compressed_bytes) {
        if (input().remaining() < 4 + compressed_bytes)
            return input().cut("lz4");
        const std::span<const std::byte> data = TRY(input().next(4 + compressed_bytes)).subspan(4);
        const std::span<std::byte> room = room_for(block_bytes);
        const int made = ::LZ4_decompress_safe(reinterpret_cast<const char*>(data.data()),
                                               reinterpret_cast<char*>(room.data()),
                                               static_cast<int>(compressed_bytes), block_bytes);
        if (made < 0)
            return input().damaged("lz4", "wrong data");
        input().consume(4 + compressed_bytes);
        set_block(room.first(static_cast<std::size_t>(made)));
        return {};
    }
};

} // namespace

DecompressorResult make_lz4_legacy_decompressor(DecompressorInput input) {
    return std::make_unique<Lz4LegacyDecompressor>(std::move(input));
}

} // namespace lifeboat::host
