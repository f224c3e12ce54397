// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/builders/newc_builder.h"

#include <format>

namespace lifeboat::tests {

namespace {

std::string padded(std::string text) {
    text.resize((text.size() + 3) / 4 * 4);
    return text;
}

} // namespace

std::string newc_record(const NewcRecord& record) {
    const auto content_bytes =
        record.content_bytes.value_or(static_cast<std::uint32_t>(record.content.size()));
    const auto name_bytes = record.name_bytes.value_or(static_cast<std::uint32_t>(record.name.size() + 1));
    // ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check
    std::string header = record.magic;
    for (const std::uint32_t field :
         {record.inode, record.mode, 0U, 0U, record.links, 1700000000U, content_bytes, 0U, 0U,
          record.device_major, record.device_minor, name_bytes, 0U})
        header += std::format("{:08x}", field);
    return padded(header + record.name + '\0') + padded(record.content);
}

std::string newc(const std::vector<NewcRecord>& records) {
    std::string archive;
    for (const NewcRecord& record : records)
        archive += newc_record(record);
    return archive + newc_record({"TRAILER!!!", 0});
}

} // namespace lifeboat::tests
