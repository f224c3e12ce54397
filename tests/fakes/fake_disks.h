// SPDX-License-Identifier: GPL-2.0-or-later
// Block devices in a temporary system: entries in sysfs, and images with a file system's head in place of
// nodes.
#pragma once

#include "tests/fakes/fake_system.h"
#include "tests/fakes/temporary_system.h"

#include <cstring>
#include <string>
#include <string_view>

namespace lifeboat::fakes {

// The head of an ext2 file system, enough for libblkid: UUID of 16 bytes each `digit`, label of up to 16
// bytes. Source: Linux Documentation/filesystems/ext4/super.rst.
inline std::string ext2_image(char digit, std::string_view label) {
    std::string image(1 << 20, '\0');
    const auto put = [&](std::size_t offset, std::string_view bytes) {
        image.replace(1024 + offset, bytes.size(), bytes);
    };
    using namespace std::string_view_literals;
    put(0x00, "\x80\0\0\0"sv); // inodes
    put(0x04, "\0\4\0\0"sv);   // blocks of 1 KiB
    put(0x14, "\1\0\0\0"sv);   // first data block
    put(0x20, "\0\x20\0\0"sv); // blocks in a group
    put(0x38, "\x53\xef"sv);   // magic
    put(0x4c, "\1\0\0\0"sv);   // revision 1
    put(0x58, "\x80\0"sv);     // inode size
    put(0x68, std::string(16, static_cast<char>(digit)));
    put(0x78, label.substr(0, 16));
    return image;
}

// "sda", 8:0; the node it gets by make_node() holds `image`.
inline void add_disk(const TemporarySystem& system, const std::string& name, const std::string& number,
                     const std::string& image, const std::string& uevent = "") {
    const std::string folder = "sys/class/block/" + name;
    system.write("images/" + name, image);
    system.write(folder + "/dev", number + "\n");
    system.write(folder + "/size", std::to_string(image.size() / 512) + "\n");
    system.write(folder + "/uevent", uevent);
    give_node(name, system.path("images/" + name));
}

} // namespace lifeboat::fakes
