// SPDX-License-Identifier: GPL-2.0-or-later
// Makes an initrd: a newc archive, packed with zstd for a kernel that has little memory.
//
//     InitrdWriter initrd;
//     initrd.add_file("init", content, 0755);
//     initrd.add_file("etc/lifeboat/plan", plan);
//     initrd.add_device("dev/console", 5, 1);
//     const InitrdSizes sizes = TRY(initrd.write("/var/lib/lifeboat/initrd.img-6.1.0"));
//
// The same entries make the same bytes, in whatever order they were added: the archive is sorted by path,
// everything belongs to root, nothing has a time. Source for the format and for what the kernel takes:
// Linux Documentation/driver-api/early-userspace/buffer-format.rst, init/initramfs.c,
// lib/decompress_unzstd.c.
#pragma once

#include "base/result.h"
#include "host/archive/zstd_packing.h"

#include <cstdint>
#include <map>
#include <string>

#include <sys/types.h>

namespace lifeboat::host {

struct InitrdSizes {
    std::uint64_t packed_bytes = 0;   // the file
    std::uint64_t unpacked_bytes = 0; // the archive in it
    std::uint64_t rootfs_bytes = 0;   // what its files take of the crash kernel's memory: whole pages
};

// What a file takes of the memory that the kernel unpacks it into.
std::uint64_t bytes_in_rootfs(std::uint64_t content_bytes);

struct PackedInitrd {
    std::string bytes;
    InitrdSizes sizes;
};

struct InitrdEntry {
    mode_t mode;         // with the type
    std::string content; // of a link its target
    dev_t device = 0;
};

// Paths are those in the crash kernel, with or without a leading slash. The folders above an entry come by
// themselves (mode 0755). What is added last under a path is what stands there.
class InitrdWriter {
public:
    void add_file(const std::string& path, std::string content, mode_t permissions = 0644);
    void add_folder(const std::string& path, mode_t permissions = 0755);
    void add_symlink(const std::string& path, const std::string& target);
    // A character device, for root alone.
    void add_device(const std::string& path, unsigned major, unsigned minor);

    // An initrd that was made before. It comes first and as it is, for the kernel unpacks one after the
    // other: what is added under one of its paths takes that one's place.
    void put_in_front(PackedInitrd initrd) { front_ = std::move(initrd); }

    // The archive of what was added, not compressed. Fails with invalid on a path that cannot be (empty, with
    // a part that is "." or ".." or empty, below something that is no folder).
    [[nodiscard]] Result<std::string> archive() const;

    // Errors as in archive().
    [[nodiscard]] Result<PackedInitrd> pack(Packing packing) const;

    // Packs, writes aside, syncs and renames it (base/replace_file.h), with mode 0600: an initrd can hold
    // keys. Errors as in archive() and replace_file(); a full disk is no_space.
    [[nodiscard]] Result<InitrdSizes> write(const std::string& path, Packing packing = Packing::small) const;

private:
    void add(const std::string& path, InitrdEntry entry);
    [[nodiscard]] Result<> check(const std::string& path) const;
    [[nodiscard]] std::uint64_t rootfs_bytes() const;

    PackedInitrd front_;
    std::map<std::string, InitrdEntry> entries_; // by path, without a leading slash
};

} // namespace lifeboat::host
