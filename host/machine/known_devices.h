// SPDX-License-Identifier: GPL-2.0-or-later
// The block devices of this machine with what is on them: read from them, or as udev has read them before.
//
// Who packs reads: what it finds has to be there. Who only asks whether all is well, every hour, does not:
// that would wake disks that sleep, and wait for one that does not answer.
#pragma once

#include "stages/block_devices.h"
#include "stages/system_paths.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace lifeboat::host {

enum class DeviceView : std::uint8_t {
    read,  // libblkid, on each
    known, // udev's database; what is not in it is read
};

struct KnownDevice {
    BlockDevice device;
    DeviceTags tags;
};

std::vector<KnownDevice> known_devices(const SystemPaths& paths, DeviceView view);

// Of a record in /run/udev/data. What it does not tell is empty, as which device has the journal.
// Source: systemd src/udev/udev-builtin-blkid.c, src/libsystemd/sd-device/device-private.c.
DeviceTags parse_udev_record(std::string_view text);

} // namespace lifeboat::host
