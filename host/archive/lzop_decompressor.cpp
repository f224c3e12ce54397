// SPDX-License-Identifier: GPL-2.0-or-later
// lzop's file, all numbers big-endian: a header, then blocks of {size, compressed size, sums, data} up to one
// of size 0. Sources: lzop 1.04 conf.h and lzop.c, Linux lib/decompress_unlzo.c.
#include "host/archive/block_decompressor.h"

#include <optional>

#include <lzo/lzo1x.h>
#include <zlib.h>

namespace lifeboat::host {

namespace {

constexpr std::size_t magic_bytes = 9;
constexpr std::uint32_t version_with_level = 0x940;
constexpr std::size_t header_bytes_maximum = 512; // behind the magic: 25 and a name of at most 255
constexpr std::size_t block_limit_bytes = std::size_t{64} << 20; // lzop's own

enum Flag : std::uint32_t {
    adler32_unpacked = 0x1,
    adler32_packed = 0x2,
    extra_field = 0x40,
    crc32_unpacked = 0x100,
    crc32_packed = 0x200,
    filtered = 0x800,
    crc32_header = 0x1000,
};

std::uint32_t crc32_of(std::span<const std::byte> bytes) {
    return static_cast<std::uint32_t>(::crc32(0, reinterpret_cast<const unsigned char*>(bytes.data()),
                                              static_cast<unsigned>(bytes.size())));
}

std::uint32_t adler32_of(std::span<const std::byte> bytes) {
    return static_cast<std::uint32_t>(::adler32(1, reinterpret_cast<const unsigned char*>(bytes.data()),
                                                static_cast<unsigned>(bytes.size())));
}

class LzopDecompressor : public BlockDecompressor {
public:
    using BlockDecompressor::BlockDecompressor;

protected:
    Result<> read_block() override {
        if (!header_read_) {
            header_read_ = true;
            TRY(read_header());
        }
        const std::uint32_t bytes = TRY(take_number(4));
        if (bytes == 0) {
            end();
            return {};
        }
        const std::uint32_t packed_bytes = TRY(take_number(4));
        if (bytes > block_limit_bytes || packed_bytes > bytes)
            return input().damaged("lzop", "a block's sizes cannot be");
        return read_data(bytes, packed_bytes);
    }

private:
    struct Sums {
        std::optional<std::uint32_t> adler32;
        std::optional<std::uint32_t> crc32;

        [[nodiscard]] bool are_of(std::span<const std::byte> bytes) const {
            return (!adler32 || *adler32 == adler32_of(bytes)) && (!crc32 || *crc32 == crc32_of(bytes));
        }
    };

    // Holds until the next that is taken.
    Result<std::span<const std::byte>> take(std::size_t bytes) {
        if (input().remaining() < bytes)
            return input().cut("lzop");
        const std::span<const std::byte> taken = TRY(input().next(bytes)).first(bytes);
        input().consume(bytes);
        return taken;
    }

    Result<> pass_over(std::uint64_t bytes) {
        if (input().remaining() < bytes)
            return input().cut("lzop");
        input().consume(bytes);
        return {};
    }

    Result<std::uint32_t> take_number(std::size_t bytes) {
        std::uint32_t value = 0;
        for (const std::byte byte : TRY(take(bytes)))
            value = value << 8 | std::to_integer<std::uint32_t>(byte);
        return value;
    }

    Result<> read_header() {
        TRY(pass_over(magic_bytes));
        const auto ahead = TRY(input().next(header_bytes_maximum));
        const std::vector<std::byte> summed(ahead.begin(),
                                            ahead.begin() + std::min(ahead.size(), header_bytes_maximum));
        const std::size_t begin = input().consumed();
        TRY(read_header_fields());
        const std::span header = std::span(summed).first(input().consumed() - begin);
        const std::uint32_t sum = TRY(take_number(4));
        if (sum != ((flags_ & crc32_header) != 0 ? crc32_of(header) : adler32_of(header)))
            return input().damaged("lzop", "the header's checksum is wrong");
        if ((flags_ & filtered) != 0)
            return fail(ErrorKind::unsupported, "decompress lzop: it has a filter");
        if ((flags_ & extra_field) != 0) {
            const std::uint32_t extra_bytes = TRY(take_number(4));
            TRY(pass_over(std::uint64_t{extra_bytes} + 4));
        }
        return {};
    }

    // Versions, method, level, flags, mode, time, name.
    Result<> read_header_fields() {
        const std::uint32_t version = TRY(take_number(2));
        const bool is_newer = version >= version_with_level;
        TRY(pass_over(is_newer ? 4 : 2));
        const std::uint32_t method = TRY(take_number(1));
        if (method < 1 || method > 3) // lzo1x-1, lzo1x-1(15), lzo1x-999: decompressed alike
            return input().damaged("lzop", "an unknown method");
        TRY(pass_over(is_newer ? 1 : 0));
        flags_ = TRY(take_number(4));
        TRY(pass_over((flags_ & filtered) != 0 ? 4 : 0));
        TRY(pass_over(is_newer ? 12 : 8));
        const std::uint32_t name_bytes = TRY(take_number(1));
        TRY(pass_over(name_bytes));
        return {};
    }

    Result<Sums> take_sums(std::uint32_t adler32_flag, std::uint32_t crc32_flag) {
        Sums sums;
        if ((flags_ & adler32_flag) != 0)
            sums.adler32 = TRY(take_number(4));
        if ((flags_ & crc32_flag) != 0)
            sums.crc32 = TRY(take_number(4));
        return sums;
    }

    Result<> read_data(std::size_t bytes, std::size_t packed_bytes) {
        const Sums unpacked_sums = TRY(take_sums(adler32_unpacked, crc32_unpacked));
        if (packed_bytes == bytes) // did not get smaller, stands there as it is
            return hand_out(TRY(take(bytes)), unpacked_sums);
        const Sums packed_sums = TRY(take_sums(adler32_packed, crc32_packed));
        const std::span<const std::byte> data = TRY(take(packed_bytes));
        if (!packed_sums.are_of(data))
            return input().damaged("lzop", "the checksum of the compressed block before it is wrong");
        const std::span<std::byte> room = room_for(bytes);
        lzo_uint made = bytes;
        const int result =
            ::lzo1x_decompress_safe(reinterpret_cast<const unsigned char*>(data.data()), data.size(),
                                    reinterpret_cast<unsigned char*>(room.data()), &made, nullptr);
        if (result != LZO_E_OK || made != bytes)
            return input().damaged("lzop", "wrong data in the block before it");
        return hand_out(room, unpacked_sums);
    }

    Result<> hand_out(std::span<const std::byte> block, const Sums& sums) {
        if (!sums.are_of(block))
            return input().damaged("lzop", "the checksum of the block before it is wrong");
        set_block(block);
        return {};
    }

    bool header_read_ = false;
    std::uint32_t flags_ = 0;
};

} // namespace

DecompressorResult make_lzop_decompressor(DecompressorInput input) {
    return std::make_unique<LzopDecompressor>(std::move(input));
}

} // namespace lifeboat::host
