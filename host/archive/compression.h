// SPDX-License-Identifier: GPL-2.0-or-later
// The compressions of initrds and modules, told by how the data begins. Sources for the magic numbers: Linux
// lib/decompress.c, usr/; lz4's frame and lzop's are not the kernel's, but other programs' of that name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace lifeboat::host {

enum class Compression : std::uint8_t { none, gzip, bzip2, lzma, xz, lzop, lz4, lz4_legacy, zstd };

// Nothing: not compressed, or not with one of these.
std::optional<Compression> compression_of(std::span<const std::byte> data);
std::string_view name_of(Compression compression);

} // namespace lifeboat::host
