// SPDX-License-Identifier: GPL-2.0-or-later
// A disk whose sectors cannot be read from a certain one on: the kernel's own I/O errors, not made-up ones. A
// loop device over a file that has become shorter; ext4 without a journal is on it. Needs root, and loop
// devices.
//
//     SickDisk disk;
//     if (!disk.is_there()) return;
//     disk.store("dump", content);
//     disk.spoil("dump", 0x40000);     // mounted anew, read-only: nothing of it is in memory
//     ... disk.path("dump") ...
#pragma once

#include "tests/builders/temporary_folder.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace lifeboat::tests {

class SickDisk {
public:
    SickDisk();
    SickDisk(const SickDisk&) = delete;
    SickDisk& operator=(const SickDisk&) = delete;
    ~SickDisk();

    // False where this process may not make one; it says so on stderr.
    [[nodiscard]] bool is_there() const { return mounted_; }
    [[nodiscard]] std::string path(std::string_view name) const;
    // In one piece, so that what is before a place in the file is before it on the disk.
    void store(std::string_view name, std::string_view content) const;
    // From this byte of the file on, a multiple of 4,096.
    void spoil(std::string_view name, std::uint64_t offset);

private:
    void mount(const std::string& options);

    TemporaryFolder folder_;
    std::string device_;
    bool mounted_ = false;
};

} // namespace lifeboat::tests
