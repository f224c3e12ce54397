// SPDX-License-Identifier: GPL-2.0-or-later
// A machine as its /proc, /sys and /dev show it, below a temporary folder, out of readable text:
//
//     device pci0000:00/0000:00:03.0          pci     virtio-pci   virtio_pci   pci:v00001AF4d00001004
//     device pci0000:00/0000:00:03.0/virtio0  virtio  virtio_scsi  virtio_scsi  virtio:d00000008v00001AF4
//     disk   pci0000:00/0000:00:03.0/virtio0/host0/block/sda       8:0
//     part   pci0000:00/0000:00:03.0/virtio0/host0/block/sda/sda1  8:1 ext2=a
//     mount  22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw,errors=remount-ro
//
// Paths are below /sys/devices, `-` stands for none. `ext2=a` puts an ext2 file system whose UUID is all of
// that letter on the device; `mount` lines are those of /proc/self/mountinfo.
#pragma once

#include "stages/system_paths.h"
#include "tests/builders/temporary_folder.h"

#include <string>
#include <string_view>

namespace lifeboat::tests {

class FakeMachine {
public:
    explicit FakeMachine(std::string_view text);

    [[nodiscard]] SystemPaths paths() const;
    [[nodiscard]] const std::string& root() const { return folder_.path(); }
    [[nodiscard]] std::string path(const std::string& name) const { return folder_.path(name); }
    void write(const std::string& name, std::string_view content) const;
    void link(const std::string& name, const std::string& target) const; // target absolute within the machine

private:
    void add_device(std::string_view text) const;
    void add_disk(std::string_view text, bool is_partition) const;

    TemporaryFolder folder_;
};

// A virtio-scsi disk with the root file system on its first partition, under kernel "6.1-test".
extern const std::string_view usual_machine;
// That kernel's modules, for install_kernel().
extern const std::string_view usual_modules;

} // namespace lifeboat::tests
