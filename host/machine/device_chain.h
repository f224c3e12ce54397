// SPDX-License-Identifier: GPL-2.0-or-later
// From a block device down to the bus it hangs on, as sysfs shows it, with the driver at each step.
// Source: Linux Documentation/ABI/testing/sysfs-block, sysfs-devices, sysfs-driver.
#pragma once

#include "base/result.h"
#include "stages/system_paths.h"

#include <string>
#include <vector>

#include <sys/types.h>

namespace lifeboat::host {

// A device that a driver is bound to.
struct DriverStep {
    std::string device;    // its name: "0000:00:03.0"
    std::string subsystem; // "pci"
    std::string driver;    // "virtio-pci"
    std::string module;    // "virtio_pci"; empty when the running kernel has it built in
    std::string modalias;

    friend bool operator==(const DriverStep&, const DriverStep&) = default;
};

struct DeviceChain {
    std::string name; // below /dev: "sda1"
    std::string disk; // "sda"; the same as `name` where the whole disk is used
    // From the bus to the disk: the order in which drivers have to come.
    std::vector<DriverStep> drivers;
};

// Fails with unsupported, naming the device and its kind, where a dump cannot be written through it yet
// (device mapper, RAID, network) or never will (memory, loop); with no_data where sysfs does not know the
// device.
Result<DeviceChain> follow_device(const SystemPaths& paths, dev_t device);

// The drivers that are bound to a device and to what it hangs on, from the bus to the device; none for what
// is no device. `folder` is its folder in sysfs or a link to it.
std::vector<DriverStep> follow_drivers(const SystemPaths& paths, const std::string& folder);

// "sda1 on sda, sd (0:0:0:0), virtio_scsi (virtio0), virtio-pci (0000:00:03.0)"
std::string describe(const DeviceChain& chain);

} // namespace lifeboat::host
