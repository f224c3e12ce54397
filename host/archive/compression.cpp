// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/archive/compression.h"

#include <algorithm>

namespace lifeboat::host {

namespace {

using namespace std::string_view_literals;

struct Magic {
    std::string_view bytes;
    Compression compression;
};

// A gzip's third byte is the method, and 8 the only one. An lzma file has no magic: properties 0x5d and a
// dictionary of a whole number of 64 KiB are what everyone, the kernel too, goes by.
constexpr Magic magics[] = {
    {"\x1f\x8b\x08"sv, Compression::gzip},
    {"BZh"sv, Compression::bzip2},
    {"\x5d\0\0"sv, Compression::lzma},
    {"\xfd"
     "7zXZ\0"sv,
     Compression::xz},
    {"\x89LZO\0\r\n\x1a\n"sv, Compression::lzop},
    {"\x04\x22\x4d\x18"sv, Compression::lz4},
    {"\x02\x21\x4c\x18"sv, Compression::lz4_legacy},
    {"\x28\xb5\x2f\xfd"sv, Compression::zstd},
};

} // namespace

std::optional<Compression> compression_of(std::span<const std::byte> data) {
    const std::string_view text(reinterpret_cast<const char*>(data.data()), data.size());
    const auto* const found =
        std::ranges::find_if(magics, [&](const Magic& magic) { return text.starts_with(magic.bytes); });
    if (found == std::end(magics))
        return std::nullopt;
    return found->compression;
}

std::string_view name_of(Compression compression) {
    switch (compression) {
    case Compression::none:
        return "none";
    case Compression::gzip:
        return "gzip";
    case Compression::bzip2:
        return "bzip2";
    case Compression::lzma:
        return "lzma";
    case Compression::xz:
        return "xz";
    case Compression::lzop:
        return "lzop";
    case Compression::lz4:
        return "lz4";
    case Compression::lz4_legacy:
        return "lz4 (legacy)";
    case Compression::zstd:
        break;
    }
    return "zstd";
}

} // namespace lifeboat::host
