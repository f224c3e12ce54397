// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/builders/fake_machine.h"

#include "base/text.h"
#include "tests/fakes/fake_disks.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace lifeboat::tests {

const std::string_view usual_machine = R"(
device pci0000:00/0000:00:1c.0                          pci     pcieport     -            pci:v00001B36d0000000C
device pci0000:00/0000:00:1c.0/0000:01:00.0             pci     virtio-pci   virtio_pci   pci:v00001AF4d00001048
device pci0000:00/0000:00:1c.0/0000:01:00.0/virtio0     virtio  virtio_scsi  virtio_scsi  virtio:d00000008v00001AF4
device pci0000:00/0000:00:1c.0/0000:01:00.0/virtio0/host0/target0:0:0/0:0:0:0  scsi  sd  sd_mod  scsi:t-0x00
disk   pci0000:00/0000:00:1c.0/0000:01:00.0/virtio0/host0/target0:0:0/0:0:0:0/block/sda       8:0
part   pci0000:00/0000:00:1c.0/0000:01:00.0/virtio0/host0/target0:0:0/0:0:0:0/block/sda/sda1  8:1 ext2=a
part   pci0000:00/0000:00:1c.0/0000:01:00.0/virtio0/host0/target0:0:0/0:0:0:0/block/sda/sda2  8:2 ext2=b
mount  22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw,errors=remount-ro
mount  23 22 0:5 / /dev rw,nosuid - devtmpfs udev rw,size=1g
mount  24 22 0:30 / /tmp rw,nosuid - tmpfs tmpfs rw
)";

const std::string_view usual_modules = R"(
module  kernel/drivers/virtio/virtio_ring.ko  exports=vring_new
module  kernel/drivers/virtio/virtio.ko       exports=register_virtio
module  kernel/drivers/virtio/virtio_pci.ko   needs=vring_new,register_virtio alias=pci:v00001AF4d*
module  kernel/drivers/scsi/scsi_mod.ko       exports=scsi_add_host
module  kernel/drivers/scsi/virtio_scsi.ko    needs=scsi_add_host,register_virtio alias=virtio:d00000008v*
module  kernel/drivers/scsi/sd_mod.ko         needs=scsi_add_host alias=scsi:t-0x00*
module  kernel/drivers/pci/shpchp.ko          alias=pci:v00001B36d*
module  kernel/fs/ext4/ext4.ko.xz             alias=fs-ext4 alias=fs-ext2 softdep=pre:crc32c
module  kernel/crypto/crc32c_generic.ko       alias=crc32c alias=crypto-crc32c
builtin kernel/fs/xfs/xfs.ko                  alias=fs-xfs
)";

FakeMachine::FakeMachine(std::string_view text) {
    std::string mounts;
    for (const std::string_view row : split_lines(text)) {
        const std::string_view line = trim(row);
        const std::string_view rest = trim(line.substr(std::min(line.find(' '), line.size())));
        if (line.starts_with("device "))
            add_device(rest);
        else if (line.starts_with("disk ") || line.starts_with("part "))
            add_disk(rest, line.starts_with("part "));
        else if (line.starts_with("mount "))
            mounts += std::string(rest) + "\n";
    }
    write("proc/self/mountinfo", mounts);
    write("proc/sys/kernel/osrelease", "6.1-test\n");
    write("proc/sys/kernel/hostname", "db-7\n");
    write("sys/kernel/kexec_crash_size", "134217728\n");
}

SystemPaths FakeMachine::paths() const {
    return {.proc = path("proc"), .sys = path("sys"), .dev = path("dev"), .root = root(), .run = path("run")};
}

void FakeMachine::write(const std::string& name, std::string_view content) const {
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    std::ofstream(path(name), std::ios::binary) << content;
}

void FakeMachine::link(const std::string& name, const std::string& target) const {
    const std::filesystem::path place = path(name);
    std::filesystem::create_directories(place.parent_path());
    // Relative, as sysfs has them: they hold wherever the tree is.
    std::filesystem::create_symlink(
        std::filesystem::path(path(target)).lexically_relative(place.parent_path()), place);
}

void FakeMachine::add_device(std::string_view text) const {
    const auto words = split_words(text);
    const std::string folder = "sys/devices/" + std::string(words[0]);
    const std::string bus = "sys/bus/" + std::string(words[1]);
    std::filesystem::create_directories(path(folder));
    std::filesystem::create_directories(path(bus));
    link(folder + "/subsystem", bus);
    if (words.size() > 4 && words[4] != "-")
        write(folder + "/modalias", std::string(words[4]) + "\n");
    if (words.size() < 3 || words[2] == "-")
        return;
    const std::string driver = bus + "/drivers/" + std::string(words[2]);
    const bool is_new = std::filesystem::create_directories(path(driver));
    link(folder + "/driver", driver);
    if (is_new && words.size() > 3 && words[3] != "-") {
        std::filesystem::create_directories(path("sys/module/" + std::string(words[3])));
        link(driver + "/module", "sys/module/" + std::string(words[3]));
    }
}

void FakeMachine::add_disk(std::string_view text, bool is_partition) const {
    const auto words = split_words(text);
    const std::string folder = "sys/devices/" + std::string(words[0]);
    const std::string number(words[1]);
    std::string name = std::filesystem::path(folder).filename();
    write(folder + "/dev", number + "\n");
    write(folder + "/size", "2048\n");
    if (is_partition)
        write(folder + "/partition", "1\n");
    link("sys/dev/block/" + number, folder);
    link("sys/class/block/" + name, folder);
    const bool has_content = words.size() > 2 && words[2].starts_with("ext2=");
    std::ranges::replace(name, '!', '/');
    write("dev/" + name, has_content ? fakes::ext2_image(words[2][5], "") : std::string(1 << 20, '\0'));
}

} // namespace lifeboat::tests
