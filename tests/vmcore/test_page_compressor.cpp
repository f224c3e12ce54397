// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/error_text.h"
#include "vmcore/page_compressor.h"

#include <format>
#include <vector>

#include <doctest/doctest.h>
#include <zlib.h>
#include <zstd.h>

using namespace lifeboat;
using lifeboat::tests::error_text;

TEST_CASE("names of compressions") {
    CHECK(parse_compression("none").value().method == Compression::Method::none);
    CHECK(parse_compression("zstd").value().method == Compression::Method::zstd);
    CHECK(parse_compression("zstd").value().level == 1);
    for (const int level : {-7, -1, 1, 3, 19}) {
        const Compression compression = parse_compression(std::format("zstd:{}", level)).value();
        CHECK(compression.method == Compression::Method::zstd);
        CHECK(compression.level == level);
    }
}

TEST_CASE("names of zlib's compressions") {
    CHECK(parse_compression("zlib").value().level == 1);
    for (const int level : {1, 6, 9}) {
        const Compression compression = parse_compression(std::format("zlib:{}", level)).value();
        CHECK(compression.method == Compression::Method::zlib);
        CHECK(compression.level == level);
    }
}

TEST_CASE("names that are no compressions") {
    for (const std::string_view text : {"", "lzo", "Zstd", "none:1", "none:", " zstd", "zstd1"})
        CHECK(
            error_text(parse_compression(text)) ==
            std::format("compression '{}' is not known: none, zstd or zstd:LEVEL, zlib or zlib:LEVEL", text));
    for (const std::string_view text :
         {"zstd:", "zstd:0", "zstd:20", "zstd:-8", "zstd:x", "zstd:1:1", "zstd:+1"})
        CHECK(error_text(parse_compression(text)) ==
              std::format("compression '{}': zstd's levels are -7 to -1 and 1 to 19", text));
    for (const std::string_view text : {"zlib:", "zlib:0", "zlib:10", "zlib:-1", "zlib:x"})
        CHECK(error_text(parse_compression(text)) ==
              std::format("compression '{}': zlib's levels are 1 to 9", text));
    CHECK(parse_compression("lzo").error().kind == ErrorKind::invalid);
}

TEST_CASE("pages come back as they were, at every level") {
    std::vector<std::byte> page(4096);
    for (std::size_t i = 0; i < page.size(); ++i)
        page[i] = static_cast<std::byte>(i / 64);
    std::vector<std::byte> output(4096);
    for (const int level : {-7, -1, 1, 9, 19}) {
        PageCompressor compressor = PageCompressor::make({Compression::Method::zstd, level}).value();
        for (int again = 0; again < 2; ++again) {
            const auto made = compressor.compress(page, output);
            REQUIRE(made.flags == 0x20);
            CHECK(made.bytes < 4096);
            std::vector<std::byte> back(4096);
            CHECK(ZSTD_decompress(back.data(), back.size(), output.data(), made.bytes) == 4096);
            CHECK(back == page);
        }
    }
}

TEST_CASE("and so with zlib, for pages of any size") {
    for (const std::size_t bytes : {4096UL, 16384UL, 65536UL}) {
        std::vector<std::byte> page(bytes);
        for (std::size_t i = 0; i < page.size(); ++i)
            page[i] = static_cast<std::byte>(i / 64);
        std::vector<std::byte> output(bytes);
        for (const int level : {1, 6, 9}) {
            PageCompressor compressor = PageCompressor::make({Compression::Method::zlib, level}).value();
            for (int again = 0; again < 2; ++again) {
                const auto made = compressor.compress(page, output);
                REQUIRE(made.flags == 0x1);
                CHECK(made.bytes < bytes);
                std::vector<std::byte> back(bytes);
                uLongf back_bytes = back.size();
                CHECK(::uncompress(reinterpret_cast<unsigned char*>(back.data()), &back_bytes,
                                   reinterpret_cast<const unsigned char*>(output.data()),
                                   made.bytes) == Z_OK);
                CHECK(back_bytes == bytes);
                CHECK(back == page);
            }
        }
    }
}

TEST_CASE("what does not shrink is stored as it is") {
    std::vector<std::byte> page(4096);
    std::uint32_t state = 1;
    for (std::byte& byte : page)
        byte = static_cast<std::byte>((state = state * 1664525 + 1013904223) >> 24);
    std::vector<std::byte> output(4096);
    for (const Compression compression :
         {Compression{Compression::Method::zstd, 1}, Compression{Compression::Method::zlib, 1},
          Compression{Compression::Method::none, 0}}) {
        PageCompressor compressor = PageCompressor::make(compression).value();
        const auto made = compressor.compress(page, output);
        CHECK(made.flags == 0);
        CHECK(made.bytes == 4096);
        CHECK(output == page);
    }
}
