// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/dump_digest.h"

#include <algorithm>
#include <format>
#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace lifeboat;

namespace {

std::string in_hex(const DumpDigest::Value& value) {
    std::string text;
    for (const std::uint8_t byte : value)
        text += std::format("{:02x}", byte);
    return text;
}

std::vector<std::byte> counting(std::size_t bytes) {
    std::vector<std::byte> content(bytes);
    for (std::size_t i = 0; i < bytes; ++i)
        content[i] = static_cast<std::byte>(i);
    return content;
}

} // namespace

// As `xxhsum -H2` prints them.
TEST_CASE("digests are those that xxhsum prints") {
    CHECK(in_hex(DumpDigest().finish()) == "99aa06d3014798d86001c324468d497f");
    DumpDigest digest;
    digest.update(counting(100'000));
    CHECK(in_hex(digest.finish()) == "077f8d86a61f4d7439cf9d035d60ad58");
}

TEST_CASE("pieces of any size make the same digest, and one that was read goes on") {
    const std::vector<std::byte> content = counting(100'000);
    DumpDigest whole;
    whole.update(content);
    for (const std::size_t piece : {1UL, 63UL, 240UL, 4096UL, 99'999UL}) {
        DumpDigest digest;
        for (std::size_t at = 0; at < content.size(); at += piece) {
            digest.update(std::span(content).subspan(at, std::min(piece, content.size() - at)));
            (void)digest.finish();
        }
        CHECK(digest.finish() == whole.finish());
    }
}

TEST_CASE("a trailer's check covers all of it but itself") {
    KdumpTrailer trailer{};
    const std::uint64_t check = check_of(trailer);
    trailer.check = 1;
    CHECK(check_of(trailer) == check);
    trailer.data_digest[15] = 1;
    CHECK(check_of(trailer) != check);
}
