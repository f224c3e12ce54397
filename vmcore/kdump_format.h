// SPDX-License-Identifier: GPL-2.0-or-later
// The kdump-compressed file, version 6, as on disk (little-endian, 64-bit). docs/formats.md describes it.
// Source: makedumpfile diskdump_mod.h and IMPLEMENTATION; readers: crash diskdump.c, libkdumpfile diskdump.c.
//
//     block 0                 KdumpHeader
//     block 1 ..              KdumpSubHeader, then the core's notes (VMCOREINFO among them)
//     bitmap_blocks / 2       bitmap 1: pages present in the machine
//     bitmap_blocks / 2       bitmap 2: pages in this file
//     then                    a KdumpPageDescriptor for each bit of bitmap 2, in pfn order
//     then                    the pages' data; several descriptors may point at the same
//     the last 96 bytes       KdumpTrailer, in complete files that lifeboat wrote
#pragma once

#include <cstddef>
#include <cstdint>

namespace lifeboat {

constexpr char kdump_signature[9] = "KDUMP   ";
constexpr std::int32_t kdump_version = 6;

// Bits of KdumpHeader::status and of KdumpPageDescriptor::flags.
constexpr std::uint32_t kdump_zlib = 0x1;
constexpr std::uint32_t kdump_lzo = 0x2;
constexpr std::uint32_t kdump_snappy = 0x4;
constexpr std::uint32_t kdump_incomplete =
    0x8; // status only: a descriptor with offset 0 is a page that was lost
constexpr std::uint32_t kdump_zstd = 0x20;

struct KdumpUtsname {
    char sysname[65];
    char nodename[65];
    char release[65];
    char version[65];
    char machine[65];
    char domainname[65];
};
static_assert(sizeof(KdumpUtsname) == 390);

struct KdumpHeader {
    char signature[8];
    std::int32_t header_version;
    KdumpUtsname utsname;
    std::uint8_t padding[6];
    std::int64_t timestamp_seconds;
    std::int64_t timestamp_microseconds;
    std::uint32_t status;
    std::int32_t block_bytes;
    std::int32_t sub_header_blocks;
    std::uint32_t bitmap_blocks;    // of both bitmaps
    std::uint32_t max_mapnr;        // obsolete: see KdumpSubHeader::max_mapnr_64
    std::uint32_t total_ram_blocks; // unused by readers
    std::uint32_t device_blocks;    // unused by readers
    std::uint32_t written_blocks;   // unused by readers
    std::uint32_t current_cpu;      // unused by readers
    std::int32_t cpu_count;
};
static_assert(offsetof(KdumpHeader, timestamp_seconds) == 408);
static_assert(offsetof(KdumpHeader, status) == 424);
static_assert(sizeof(KdumpHeader) == 464);

struct KdumpSubHeader {
    std::uint64_t physical_base;
    std::int32_t dump_level;         // version 1 and later
    std::int32_t split;              // version 2 and later
    std::uint64_t start_pfn;         // version 2 and later, obsolete
    std::uint64_t end_pfn;           // version 2 and later, obsolete
    std::uint64_t vmcoreinfo_offset; // version 3 and later
    std::uint64_t vmcoreinfo_bytes;
    std::uint64_t notes_offset; // version 4 and later
    std::uint64_t notes_bytes;
    std::uint64_t erase_info_offset; // version 5 and later
    std::uint64_t erase_info_bytes;
    std::uint64_t start_pfn_64; // version 6 and later
    std::uint64_t end_pfn_64;
    std::uint64_t max_mapnr_64;
};
static_assert(sizeof(KdumpSubHeader) == 104);
static_assert(offsetof(KdumpSubHeader, max_mapnr_64) == 96);

struct KdumpPageDescriptor {
    std::uint64_t offset; // in the file; 0 in an incomplete file: the page was lost
    std::uint32_t bytes;
    std::uint32_t flags;      // how it is compressed; 0: not
    std::uint64_t page_flags; // unused
};
static_assert(sizeof(KdumpPageDescriptor) == 24);

// Behind all else, where other readers never look: digests of what is before it, so that damage can be told,
// and told where. A program that writes the file anew leaves it out. Not part of makedumpfile's format.
struct KdumpTrailer {
    char signature[8];                // kdump_trailer_signature
    std::uint32_t version;            // 1
    std::uint32_t algorithm;          // 1: XXH3, 128 bits, in its canonical (big-endian) form
    std::uint64_t descriptors_offset; // the three parts: [0, descriptors_offset),
    std::uint64_t data_offset;        // [descriptors_offset, data_offset),
    std::uint64_t data_end;           // [data_offset, data_end); the trailer follows at once
    std::uint8_t headers_digest[16];  // headers (as they are in the complete file), notes, bitmaps
    std::uint8_t descriptors_digest[16];
    std::uint8_t data_digest[16];
    std::uint64_t check; // XXH3, 64 bits, of the trailer before this
};
constexpr char kdump_trailer_signature[9] = "LIFEBOAT";
constexpr std::uint32_t kdump_trailer_version = 1;
constexpr std::uint32_t kdump_trailer_xxh3 = 1;
static_assert(sizeof(KdumpTrailer) == 96);
static_assert(offsetof(KdumpTrailer, check) == 88);

} // namespace lifeboat
