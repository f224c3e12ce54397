// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/error_text.h"
#include "vmcore/page_decompressor.h"

#include <array>
#include <format>
#include <vector>

#include <doctest/doctest.h>
#include <lzo/lzo1x.h>
#include <zlib.h>
#include <zstd.h>

using namespace lifeboat;
using lifeboat::tests::error_text;

namespace {

constexpr std::size_t page_bytes = 4096;

std::vector<std::byte> content(std::size_t bytes) {
    std::vector<std::byte> made(bytes);
    for (std::size_t i = 0; i < bytes; ++i)
        made[i] = static_cast<std::byte>(i / 50);
    return made;
}

std::vector<std::byte> compressed(std::uint32_t flags, const std::vector<std::byte>& from) {
    std::vector<std::byte> to(3 * page_bytes);
    const auto* const input = reinterpret_cast<const unsigned char*>(from.data());
    auto* const output = reinterpret_cast<unsigned char*>(to.data());
    std::vector<std::byte> work(LZO1X_1_MEM_COMPRESS);
    uLongf zlib_bytes = to.size();
    lzo_uint lzo_bytes = to.size();
    if (flags == 0x1) {
        REQUIRE(::compress(output, &zlib_bytes, input, from.size()) == Z_OK);
        to.resize(zlib_bytes);
    } else if (flags == 0x2) {
        REQUIRE(::lzo1x_1_compress(input, from.size(), output, &lzo_bytes, work.data()) == LZO_E_OK);
        to.resize(lzo_bytes);
    } else {
        to.resize(::ZSTD_compress(output, to.size(), input, from.size(), 1));
    }
    return to;
}

constexpr struct {
    std::uint32_t flags;
    std::string_view name;
} methods[] = {{0x1, "zlib"}, {0x2, "lzo"}, {0x20, "zstd"}};

} // namespace

TEST_CASE("pages come back as they were, one after the other") {
    PageDecompressor decompressor;
    const std::vector<std::byte> page = content(page_bytes);
    for (int again = 0; again < 2; ++again)
        for (const auto& [flags, name] : methods) {
            std::vector<std::byte> back(page_bytes);
            REQUIRE(decompressor.decompress(flags, compressed(flags, page), back));
            CHECK(back == page);
        }
    std::vector<std::byte> back(page_bytes);
    REQUIRE(decompressor.decompress(0, page, back));
    CHECK(back == page);
}

TEST_CASE("what is not exactly a page is refused, and the next page is read all the same") {
    PageDecompressor decompressor;
    for (const auto& [flags, name] : methods) {
        const std::vector<std::byte> whole = compressed(flags, content(page_bytes));
        std::vector<std::byte> cut = whole;
        cut.resize(cut.size() / 2);
        std::vector<std::byte> garbage(100, std::byte{0xa5});
        for (const std::vector<std::byte>& data :
             {compressed(flags, content(page_bytes - 1)), compressed(flags, content(page_bytes + 1)), cut,
              garbage, std::vector<std::byte>()}) {
            std::vector<std::byte> back(page_bytes);
            const auto result = decompressor.decompress(flags, data, back);
            CHECK(error_text(result) ==
                  std::format("decompress {} bytes of {}: they do not become a page of 4096 bytes",
                              data.size(), name));
            CHECK(result.error().kind == ErrorKind::corrupt);
            CHECK(decompressor.decompress(flags, whole, back));
        }
    }
}
