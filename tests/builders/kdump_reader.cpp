// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/builders/kdump_reader.h"

#include <cstring>
#include <filesystem>
#include <format>
#include <fstream>
#include <stdexcept>

#include <zstd.h>

namespace lifeboat::tests {

namespace {

template <class Value>
Value value_at(const std::string& bytes, std::size_t offset) {
    Value value;
    std::memcpy(&value, bytes.data() + offset, sizeof(value));
    return value;
}

std::string text_at(const std::string& bytes, std::size_t offset, std::size_t length) {
    return std::string(bytes, offset, length).c_str();
}

std::vector<std::uint64_t> set_bits(const std::string& bitmap, std::uint64_t below) {
    std::vector<std::uint64_t> bits;
    for (std::uint64_t i = 0; i < bitmap.size() * 8; ++i)
        if ((static_cast<unsigned char>(bitmap[i / 8]) >> i % 8 & 1) != 0) {
            if (i >= below)
                throw std::runtime_error(std::format("a bitmap has bit {:#x}, which is past max_mapnr", i));
            bits.push_back(i);
        }
    return bits;
}

} // namespace

KdumpFile::KdumpFile(const std::string& path)
    : file_bytes(std::filesystem::file_size(path))
    , path_(path) {
    const std::string header = read(0, 464);
    if (header.substr(0, 8) != "KDUMP   ")
        throw std::runtime_error("no signature");
    version = value_at<std::int32_t>(header, 8);
    node_name = text_at(header, 12 + 65, 65);
    release = text_at(header, 12 + 130, 65);
    crash_time = value_at<std::int64_t>(header, 408);
    status = value_at<std::uint32_t>(header, 424);
    block_bytes = value_at<std::int32_t>(header, 428);
    const auto sub_header_blocks = static_cast<std::uint64_t>(value_at<std::int32_t>(header, 432));
    const std::uint64_t bitmap_blocks = value_at<std::uint32_t>(header, 436);
    cpu_count = value_at<std::int32_t>(header, 460);

    const auto block = static_cast<std::uint64_t>(block_bytes);
    const std::string sub = read(block, 104);
    phys_base = value_at<std::uint64_t>(sub, 0);
    dump_level = value_at<std::int32_t>(sub, 8);
    if (value_at<std::int32_t>(sub, 12) != 0)
        throw std::runtime_error("it says that it is split");
    vmcoreinfo = read(value_at<std::uint64_t>(sub, 32), value_at<std::uint64_t>(sub, 40));
    const auto notes_at = value_at<std::uint64_t>(sub, 48);
    notes = read(notes_at, value_at<std::uint64_t>(sub, 56));
    if (notes_at + notes.size() > (1 + sub_header_blocks) * block)
        throw std::runtime_error("the notes reach into the bitmaps");
    max_mapnr = value_at<std::uint64_t>(sub, 96);

    const std::uint64_t bitmap_at = (1 + sub_header_blocks) * block;
    const std::uint64_t bitmap_bytes = bitmap_blocks / 2 * block;
    if (bitmap_blocks % 2 != 0 || bitmap_bytes * 8 < max_mapnr)
        throw std::runtime_error("the bitmaps are too small");
    present = set_bits(read(bitmap_at, bitmap_bytes), max_mapnr);
    dumped = set_bits(read(bitmap_at + bitmap_bytes, bitmap_bytes), max_mapnr);
    const std::uint64_t descriptors_at = bitmap_at + 2 * bitmap_bytes;
    data_at = descriptors_at + dumped.size() * 24;
    const std::string table = read(descriptors_at, dumped.size() * 24);
    for (std::size_t i = 0; i < dumped.size(); ++i) {
        const Descriptor one{
            value_at<std::uint64_t>(table, i * 24), value_at<std::uint32_t>(table, i * 24 + 8),
            value_at<std::uint32_t>(table, i * 24 + 12), value_at<std::uint64_t>(table, i * 24 + 16)};
        if (one.offset == 0 && is_complete())
            throw std::runtime_error(std::format("pfn {:#x} has no data in a complete file", dumped[i]));
        if (one.offset != 0 && (one.offset < data_at || one.offset + one.bytes > file_bytes))
            throw std::runtime_error(std::format("pfn {:#x} has its data outside of the data", dumped[i]));
        descriptors.push_back(one);
    }
}

std::optional<PageBytes> KdumpFile::page(std::size_t index) const {
    const Descriptor& descriptor = descriptors.at(index);
    if (descriptor.offset == 0)
        return std::nullopt;
    const std::string data = read(descriptor.offset, descriptor.bytes);
    PageBytes bytes{};
    if (descriptor.flags == 0x20) {
        if (ZSTD_decompress(bytes.data(), bytes.size(), data.data(), data.size()) != bytes.size())
            throw std::runtime_error(std::format("pfn {:#x} does not decompress", dumped[index]));
    } else if (descriptor.flags == 0 && data.size() == bytes.size()) {
        std::memcpy(bytes.data(), data.data(), data.size());
    } else {
        throw std::runtime_error(std::format("pfn {:#x}: flags {:#x} and {} bytes", dumped[index],
                                             descriptor.flags, descriptor.bytes));
    }
    return bytes;
}

std::string KdumpFile::read(std::uint64_t offset, std::uint64_t bytes) const {
    if (offset + bytes > file_bytes)
        throw std::runtime_error(
            std::format("{} bytes at {:#x} are wanted, the file has {}", bytes, offset, file_bytes));
    std::string content(bytes, '\0');
    std::ifstream file(path_, std::ios::binary);
    file.seekg(static_cast<std::streamoff>(offset));
    if (!file.read(content.data(), static_cast<std::streamsize>(bytes)))
        throw std::runtime_error("read " + path_);
    return content;
}

} // namespace lifeboat::tests
