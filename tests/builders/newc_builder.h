// SPDX-License-Identifier: GPL-2.0-or-later
// Archives of cpio's newc kind, record by record, right or wrong on purpose. Source for the format: Linux
// Documentation/driver-api/early-userspace/buffer-format.rst.
//
//     newc({{"init", 0100755, "#!..."}, {"bin", 0120777, "usr/bin"}})
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lifeboat::tests {

struct NewcRecord {
    std::string name;
    unsigned mode = 0100644;
    std::string content = {}; // of a link its target
    unsigned inode = 0;
    unsigned links = 1;
    unsigned device_major = 0;
    unsigned device_minor = 0;
    std::optional<std::uint32_t> name_bytes = {}; // where it is to lie about it
    std::optional<std::uint32_t> content_bytes = {};
    std::string magic = "070701";
};

std::string newc_record(const NewcRecord& record);
// With the trailer.
std::string newc(const std::vector<NewcRecord>& records);

} // namespace lifeboat::tests
