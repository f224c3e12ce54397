// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/archive/entry_line.h"

#include <ctime>

#include <sys/stat.h>

namespace lifeboat::host {

namespace {

char type_letter(mode_t mode) {
    switch (mode & S_IFMT) {
    case S_IFREG:
        return '-';
    case S_IFDIR:
        return 'd';
    case S_IFLNK:
        return 'l';
    case S_IFCHR:
        return 'c';
    case S_IFBLK:
        return 'b';
    case S_IFIFO:
        return 'p';
    case S_IFSOCK:
        return 's';
    default:
        return '?';
    }
}

std::string mode_text(mode_t mode) {
    std::string text(1, type_letter(mode));
    for (int shift = 8; shift >= 0; --shift)
        text += (mode >> shift & 1) != 0 ? "xwr"[shift % 3] : '-';
    constexpr std::pair<mode_t, std::size_t> specials[] = {{S_ISUID, 3}, {S_ISGID, 6}, {S_ISVTX, 9}};
    for (const auto& [bit, place] : specials)
        if ((mode & bit) != 0)
            text[place] =
                bit == S_ISVTX ? (text[place] == 'x' ? 't' : 'T') : (text[place] == 'x' ? 's' : 'S');
    return text;
}

std::string owner_text(unsigned number) {
    return number == 0 ? "root" : std::to_string(number);
}

std::string size_text(const CpioEntry& entry) {
    if (S_ISCHR(entry.mode) || S_ISBLK(entry.mode))
        return std::format("{}, {}", entry.device_major, entry.device_minor);
    return std::to_string(entry.content_bytes);
}

std::string time_text(std::int64_t seconds) {
    const std::time_t time = seconds;
    std::tm local{};
    if (::localtime_r(&time, &local) == nullptr)
        return std::to_string(seconds);
    return std::format("{:04}-{:02}-{:02} {:02}:{:02}", local.tm_year + 1900, local.tm_mon + 1, local.tm_mday,
                       local.tm_hour, local.tm_min);
}

} // namespace

std::string entry_line(const CpioEntry& entry) {
    std::string line = std::format("{} {:3} {:<8} {:<8} {:>8} {} {}", mode_text(entry.mode), entry.links,
                                   owner_text(entry.owner), owner_text(entry.group), size_text(entry),
                                   time_text(entry.modified_seconds), entry.path);
    if (!entry.link_target.empty())
        line += " -> " + entry.link_target;
    if (!entry.hard_link_to.empty())
        line += " link to " + entry.hard_link_to;
    return line;
}

std::string part_line(const InitrdPart& part) {
    std::string line =
        std::format("archive {}: {}, ", part.number,
                    part.compression == Compression::none ? "not compressed" : name_of(part.compression));
    if (part.packed_bytes == 0)
        line += std::format("from byte {}, not whole", part.file_offset);
    else
        line += std::format("bytes {} to {}", part.file_offset, part.file_offset + part.packed_bytes);
    return line + std::format(", {} unpacked, {} entries", part.unpacked_bytes, part.entries);
}

} // namespace lifeboat::host
