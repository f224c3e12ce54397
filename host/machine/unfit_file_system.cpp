// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/machine/unfit_file_system.h"

namespace lifeboat::host {

namespace {

struct Row {
    std::string_view prefix; // of the type
    UnfitReason reason;
};

constexpr UnfitReason in_memory{"which is in memory and gone after the crash", "name a folder on a disk"};
constexpr UnfitReason across_network{"which lies across the network, where dumps cannot be sent yet",
                                     "name a folder on a disk of this machine"};
constexpr UnfitReason layered{"which is a layer over other file systems",
                              "name the folder on the file system below it, as 'UUID=... FOLDER'"};
constexpr UnfitReason of_a_program{"which is served by a program that the crash kernel has not",
                                   "name a folder on a file system of the kernel's own"};
constexpr UnfitReason unseen{"whose disk is mounted when it is first used",
                             "use the folder, then pack again"};
constexpr UnfitReason of_the_kernel{"which is the kernel's own and keeps no files",
                                    "name a folder on a disk"};
constexpr UnfitReason read_only{"which cannot be written to", "name a folder on a file system that can"};

constexpr Row mounted_rows[] = {
    {"tmpfs", in_memory},     {"ramfs", in_memory},         {"rootfs", in_memory},
    {"devtmpfs", in_memory},  {"overlay", layered},         {"aufs", layered},
    {"ecryptfs", layered},    {"nfs", across_network},      {"cifs", across_network},
    {"smb3", across_network}, {"ceph", across_network},     {"afs", across_network},
    {"9p", across_network},   {"virtiofs", across_network}, {"fuse", of_a_program},
    {"zfs", of_a_program},    {"autofs", unseen},           {"proc", of_the_kernel},
    {"sysfs", of_the_kernel}, {"cgroup", of_the_kernel},    {"squashfs", read_only},
    {"erofs", read_only},     {"iso9660", read_only},       {"udf", read_only},
};

constexpr std::string_view plain = "name a target on a plain disk or partition";
constexpr Row content_rows[] = {
    {"crypto_LUKS", {"is encrypted (LUKS), and a dump cannot be written through that yet", plain}},
    {"LVM", {"belongs to an LVM volume group, and a dump cannot be written to its volumes yet", plain}},
    {"linux_raid_member", {"is a part of a RAID, and a dump cannot be written to that yet", plain}},
    {"isw_raid_member", {"is a part of a firmware RAID, and a dump cannot be written to that yet", plain}},
    {"ddf_raid_member", {"is a part of a firmware RAID, and a dump cannot be written to that yet", plain}},
    {"bcache", {"is a part of a bcache, and a dump cannot be written to that yet", plain}},
    {"zfs_member", {"is a part of a ZFS pool, which the kernel itself cannot mount", plain}},
    {"swap", {"is swap space", "name a file system"}},
    {"squashfs", {"is read-only by its kind (squashfs)", "name a file system that can be written to"}},
    {"erofs", {"is read-only by its kind (erofs)", "name a file system that can be written to"}},
    {"iso9660", {"is read-only by its kind (iso9660)", "name a file system that can be written to"}},
};

template <std::size_t count>
std::optional<UnfitReason> find_row(const Row (&rows)[count], std::string_view type) {
    for (const auto& [prefix, reason] : rows)
        if (type.starts_with(prefix))
            return reason;
    return std::nullopt;
}

} // namespace

std::optional<UnfitReason> why_unfit_mounted(std::string_view type) {
    return find_row(mounted_rows, type);
}

std::optional<UnfitReason> why_unfit_content(std::string_view type) {
    return find_row(content_rows, type);
}

} // namespace lifeboat::host
