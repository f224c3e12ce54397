// SPDX-License-Identifier: GPL-2.0-or-later
// What other people's programs make of some bytes: gzip, xz, cpio and their like.
#pragma once

#include <string>
#include <string_view>

namespace lifeboat::tests {

// What `command` (for the shell) writes when it is given `input`. Throws when it fails.
std::string output_of(const std::string& command, std::string_view input);

struct Packer {
    std::string_view name;    // as name_of(Compression) has it
    std::string_view command; // standard input to standard output
};
// One for each compression that initrds have.
inline constexpr Packer packers[] = {
    {"gzip", "gzip -n"},           {"bzip2", "bzip2 -1"}, {"lzma", "xz -0 --format=lzma"},
    {"xz", "xz -0 --check=crc32"}, {"lzop", "lzop"},      {"lz4", "lz4 -q"},
    {"lz4 (legacy)", "lz4 -ql"},   {"zstd", "zstd -q"},
};

} // namespace lifeboat::tests
