// SPDX-License-Identifier: GPL-2.0-or-later
// What is mounted where, read through libmount. Source of the fields: proc(5), /proc/PID/mountinfo.
#pragma once

#include "base/result.h"
#include "stages/system_paths.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace lifeboat::host {

struct MountEntry {
    int id = 0;
    int parent_id = 0;
    dev_t device = 0;          // of the file system; major 0 where it has no device of its own
    std::string folder;        // where it is mounted
    std::string root;          // which folder of the file system is seen there: not "/" for a bind mount
    std::string type;          // "ext4"
    std::string source;        // "/dev/sda1"
    std::string options;       // of this mount
    std::string super_options; // of the file system
};

Result<std::vector<MountEntry>> read_mount_table(const SystemPaths& paths);

// The mount that a path is on; `path` is resolved (host/machine/resolved_path.h). Null where none is: in a
// chroot.
const MountEntry* find_mount(std::span<const MountEntry> mounts, std::string_view path);

// The mount point of /etc/fstab that `path` should be on, and is not, for it lies below the one where it is:
// not mounted now, say. Empty when there is none, and where fstab cannot be read.
std::string find_unmounted(const SystemPaths& paths, std::string_view path, const MountEntry& mount);

// Whether one of the words between commas is `option`; "logdev=" stands for each value of it.
bool has_option(std::string_view options, std::string_view option);

} // namespace lifeboat::host
