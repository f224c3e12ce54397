// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/vmcore/written_dump.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include <lzo/lzo1x.h>
#include <zlib.h>
#include <zstd.h>

namespace lifeboat::tests {

namespace {

constexpr std::uint64_t block = 4096;
constexpr std::uint64_t notes_at = block + 104;

template <class Value>
void put(std::string& bytes, std::uint64_t offset, Value value) {
    if (bytes.size() < offset + sizeof(value))
        bytes.resize(offset + sizeof(value));
    std::memcpy(bytes.data() + offset, &value, sizeof(value));
}

void put_text(std::string& bytes, std::uint64_t offset, std::string_view text) {
    bytes.resize(std::max<std::uint64_t>(bytes.size(), offset + text.size()));
    text.copy(bytes.data() + offset, text.size());
}

void pad(std::string& bytes) {
    bytes.resize((bytes.size() + block - 1) / block * block);
}

std::string bitmap_of(const std::vector<std::uint64_t>& pfns, std::uint64_t end_pfn) {
    std::string bitmap((end_pfn + 7) / 8, '\0');
    pad(bitmap);
    for (const std::uint64_t pfn : pfns)
        bitmap[pfn / 8] = static_cast<char>(bitmap[pfn / 8] | 1 << pfn % 8);
    return bitmap;
}

std::string compressed(const PageBytes& page, std::uint32_t flags) {
    std::string data(2 * block, '\0');
    auto* const to = reinterpret_cast<unsigned char*>(data.data());
    const auto* const from = reinterpret_cast<const unsigned char*>(page.data());
    uLongf zlib_bytes = data.size();
    lzo_uint lzo_bytes = data.size();
    static std::vector<std::byte> work(LZO1X_1_MEM_COMPRESS); // made once: it is cleared for each page by lzo
    switch (flags) {
    case 0x1:
        ::compress2(to, &zlib_bytes, from, block, 1);
        return data.substr(0, zlib_bytes);
    case 0x2:
        ::lzo1x_1_compress(from, block, to, &lzo_bytes, work.data());
        return data.substr(0, lzo_bytes);
    case 0x20:
        return data.substr(0, ::ZSTD_compress(to, data.size(), from, block, 1));
    default:
        throw std::runtime_error("no such method");
    }
}

std::string header(const BuiltCore& built, const DumpShape& shape, std::uint64_t bitmap_blocks) {
    std::string bytes(block, '\0');
    put_text(bytes, 0, "KDUMP   ");
    put(bytes, 8, shape.version);
    put_text(bytes, 12, "Linux");
    put_text(bytes, 12 + 65, "dumphost");
    put_text(bytes, 12 + 130, "6.1.0-dump");
    put_text(bytes, 12 + 260, shape.machine);
    put<std::int64_t>(bytes, 408, 1700000001);
    put(bytes, 424, shape.flags | shape.more_status);
    put<std::int32_t>(bytes, 428, block);
    put<std::int32_t>(bytes, 432, 2); // blocks of the sub header, notes included
    put(bytes, 436, static_cast<std::uint32_t>(bitmap_blocks));
    put(bytes, 440, static_cast<std::uint32_t>(built.end_pfn()));
    put<std::int32_t>(bytes, 460, 5);
    return bytes;
}

void put_sub_header(std::string& bytes, const BuiltCore& built, const DumpShape& shape) {
    const std::string text = built.vmcoreinfo();
    put(bytes, block, built.phys_base());
    put(bytes, block + 8, shape.level);
    if (shape.version >= 3) {
        put(bytes, block + 32, notes_at + 24); // behind the header and the name of the note
        put<std::uint64_t>(bytes, block + 40, text.size());
    }
    if (shape.version >= 4 && shape.has_notes) {
        put(bytes, block + 48, notes_at);
        put<std::uint64_t>(bytes, block + 56, 24 + (text.size() + 3) / 4 * 4);
    }
    if (shape.version >= 6)
        put(bytes, block + 96, built.end_pfn());
    put<std::uint32_t>(bytes, notes_at, 11);
    put(bytes, notes_at + 4, static_cast<std::uint32_t>(text.size()));
    put_text(bytes, notes_at + 12, "VMCOREINFO");
    put_text(bytes, notes_at + 24, text);
    bytes.resize(3 * block);
}

} // namespace

WrittenDump::WrittenDump(std::string_view description, const DumpShape& shape)
    : built(BuiltCore::from(description))
    , dumped(built.expected_pfns(shape.level)) {
    const std::string present_bitmap = bitmap_of(built.present_pfns(), built.end_pfn());
    const std::string dumped_bitmap = bitmap_of(dumped, built.end_pfn());
    std::string bytes = header(built, shape, 2 * present_bitmap.size() / block);
    put_sub_header(bytes, built, shape);
    bitmap1_at = bytes.size();
    bitmap2_at = bitmap1_at + present_bitmap.size();
    bytes += present_bitmap + dumped_bitmap;
    descriptors_at = bytes.size();
    bytes.resize(descriptors_at + dumped.size() * 24);
    for (const std::uint64_t pfn : dumped) {
        const PageBytes page = built.page(pfn);
        std::string data = shape.flags == 0 ? std::string(block, '\0') : compressed(page, shape.flags);
        const bool gained = data.size() < block;
        if (!gained)
            data.assign(reinterpret_cast<const char*>(page.data()), block);
        put<std::uint64_t>(bytes, descriptor_at(pfn), bytes.size());
        put(bytes, descriptor_at(pfn) + 8, static_cast<std::uint32_t>(data.size()));
        put(bytes, descriptor_at(pfn) + 12, gained ? shape.flags : 0);
        bytes += data;
    }
    file_bytes = bytes.size();
    std::ofstream(path(), std::ios::binary) << bytes;
}

std::uint64_t WrittenDump::descriptor_at(std::uint64_t pfn) const {
    const auto found = std::ranges::lower_bound(dumped, pfn);
    if (found == dumped.end() || *found != pfn)
        throw std::runtime_error("the page is not in the dump");
    return descriptors_at + static_cast<std::uint64_t>(found - dumped.begin()) * 24;
}

} // namespace lifeboat::tests
