// SPDX-License-Identifier: GPL-2.0-or-later
// The block devices that are there, and what is written on them by way of identity.
#pragma once

#include "stages/plan.h"
#include "stages/system_paths.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace lifeboat {

struct BlockDevice {
    std::string name; // below /dev: "sda1", "cciss/c0d0"
    dev_t number = 0;
    std::uint64_t size_bytes = 0;
    std::string part_uuid; // as the kernel says them; a probe may say more
    std::string part_label;

    friend bool operator==(const BlockDevice&, const BlockDevice&) = default;
};

// Those with a medium in them; not RAM disks, loop devices and floppies.
std::vector<BlockDevice> list_block_devices(const SystemPaths& paths);

struct DeviceTags {
    std::string type, uuid, label, part_uuid, part_label;
    std::string journal_uuid;   // of the device that an ext3 or ext4 has its journal on, when that is another
    std::string trouble;        // why nothing could be told, empty when it could
    bool is_unreadable = false; // the trouble is that it cannot be read, which may pass
};

// "8:1", as sysfs and mountinfo write it.
std::optional<dev_t> parse_device_number(std::string_view text);

// Reads what is behind a device node or a file (libblkid). May hang on a dead device: not for PID 1.
DeviceTags probe_node(const std::string& node);
// What a probe has not said and the kernel knows: a partition's names.
void add_kernels_names(DeviceTags& tags, const BlockDevice& device);
// The same for a device, whose node is made where there is none; what the kernel says of it is there too.
DeviceTags probe_device(const SystemPaths& paths, const BlockDevice& device);

bool matches(const Target& target, const BlockDevice& device, const DeviceTags& tags);

// "/dev/sda1: 1073741824 bytes, TYPE=ext4 UUID=...", for the log.
std::string describe(const BlockDevice& device, const DeviceTags& tags);

} // namespace lifeboat
