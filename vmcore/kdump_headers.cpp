// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/kdump_headers.h"

#include "base/descriptor.h"
#include "vmcore/core_image.h"

#include <array>
#include <cstring>

namespace lifeboat {

namespace {

// How much of the sub header each version has.
constexpr std::array<std::size_t, kdump_version> sub_header_bytes = {
    offsetof(KdumpSubHeader, split),        offsetof(KdumpSubHeader, vmcoreinfo_offset),
    offsetof(KdumpSubHeader, notes_offset), offsetof(KdumpSubHeader, erase_info_offset),
    offsetof(KdumpSubHeader, start_pfn_64), sizeof(KdumpSubHeader),
};

constexpr std::uint64_t divide_up(std::uint64_t value, std::uint64_t step) {
    return value / step + (value % step == 0 ? 0 : 1);
}

void end_names(KdumpUtsname& names) {
    for (char* name :
         {names.sysname, names.nodename, names.release, names.version, names.machine, names.domainname})
        name[sizeof(names.sysname) - 1] = '\0';
}

Result<> check_header(const KdumpHeader& header, const std::string& path) {
    if (std::memcmp(header.signature, kdump_signature, sizeof(header.signature)) != 0)
        return fail(ErrorKind::corrupt, "read '{}': not a kdump-compressed file", path);
    if (header.header_version < 1 || header.header_version > kdump_version)
        return fail(ErrorKind::unsupported, "read '{}': version {} of the dump's header is not known", path,
                    header.header_version);
    if (header.block_bytes < 0 || !is_page_size(static_cast<std::uint64_t>(header.block_bytes)))
        return fail(ErrorKind::corrupt, "read '{}': blocks of {} bytes", path, header.block_bytes);
    if (header.sub_header_blocks < 1)
        return fail(ErrorKind::corrupt, "read '{}': a sub header of {} blocks", path,
                    header.sub_header_blocks);
    if ((header.status & kdump_snappy) != 0)
        return fail(ErrorKind::unsupported,
                    "read '{}': its pages are compressed with snappy, which is not supported", path);
    return {};
}

// Cannot overflow: each count has 32 bits at most, a block 17.
Result<> lay_out(KdumpHeaders& headers, std::uint64_t file_bytes, const std::string& path) {
    const KdumpHeader& header = headers.header;
    headers.end_pfn = header.header_version >= 6 ? headers.sub_header.max_mapnr_64 : header.max_mapnr;
    const std::uint64_t blocks_needed = divide_up(divide_up(headers.end_pfn, 8), headers.block_bytes);
    if (headers.end_pfn > physical_limit / headers.block_bytes || blocks_needed > header.bitmap_blocks / 2)
        return fail(ErrorKind::corrupt, "read '{}': bitmaps of {} blocks for {} pages", path,
                    header.bitmap_blocks, headers.end_pfn);
    const std::uint64_t bitmap_bytes = header.bitmap_blocks / 2 * headers.block_bytes;
    const std::uint64_t start =
        (1 + static_cast<std::uint64_t>(header.sub_header_blocks)) * headers.block_bytes;
    headers.present = {start, headers.end_pfn};
    headers.dumped = {start + bitmap_bytes, headers.end_pfn};
    headers.descriptors_offset = start + std::uint64_t{header.bitmap_blocks} * headers.block_bytes;
    if (headers.descriptors_offset > file_bytes)
        return fail(ErrorKind::no_data, "read '{}': it ends at {:#x}, before its bitmaps do at {:#x}", path,
                    file_bytes, headers.descriptors_offset);
    return {};
}

} // namespace

Result<KdumpHeaders> KdumpHeaders::read(int fd, std::uint64_t file_bytes, const std::string& path) {
    KdumpHeaders headers{};
    TRY(read_exactly_at(fd, std::as_writable_bytes(std::span(&headers.header, 1)), 0, path));
    TRY(check_header(headers.header, path));
    end_names(headers.header.utsname);
    headers.block_bytes = static_cast<std::uint64_t>(headers.header.block_bytes);
    const auto version = static_cast<std::size_t>(headers.header.header_version);
    const auto sub_header = std::as_writable_bytes(std::span(&headers.sub_header, 1));
    TRY(read_exactly_at(fd, sub_header.first(sub_header_bytes[version - 1]), headers.block_bytes, path));
    if (headers.sub_header.split != 0)
        return fail(ErrorKind::unsupported,
                    "read '{}': one part of a split dump; 'makedumpfile --reassemble' joins them", path);
    TRY(lay_out(headers, file_bytes, path));
    return headers;
}

Result<> check_descriptor(const KdumpPageDescriptor& descriptor, const KdumpHeaders& headers,
                          std::uint64_t file_bytes) {
    if (descriptor.offset == 0 && headers.is_incomplete())
        return fail(ErrorKind::no_data, "it was lost, the dump is incomplete");
    if (descriptor.bytes == 0 || descriptor.bytes > headers.block_bytes)
        return fail(ErrorKind::corrupt, "its data has {} bytes", descriptor.bytes);
    if (descriptor.offset < headers.descriptors_offset || descriptor.offset > file_bytes ||
        descriptor.bytes > file_bytes - descriptor.offset)
        return fail(ErrorKind::corrupt, "its data is said to be at {:#x}, the file ends at {:#x}",
                    descriptor.offset, file_bytes);
    return {};
}

} // namespace lifeboat
