// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/machine/device_chain.h"
#include "tests/builders/fake_machine.h"
#include "tests/error_text.h"

#include <doctest/doctest.h>
#include <sys/sysmacros.h>

using namespace lifeboat::host;
using lifeboat::tests::FakeMachine;

namespace tests = lifeboat::tests;

TEST_CASE("a partition is followed to its bus") {
    const FakeMachine machine(tests::usual_machine);
    const auto chain = follow_device(machine.paths(), makedev(8, 1));
    REQUIRE(chain.has_value());
    CHECK(chain->name == "sda1");
    CHECK(chain->disk == "sda");
    REQUIRE(chain->drivers.size() == 4);
    CHECK(chain->drivers[0] == DriverStep{"0000:00:1c.0", "pci", "pcieport", "", "pci:v00001B36d0000000C"});
    CHECK(chain->drivers[1] ==
          DriverStep{"0000:01:00.0", "pci", "virtio-pci", "virtio_pci", "pci:v00001AF4d00001048"});
    CHECK(chain->drivers[2] ==
          DriverStep{"virtio0", "virtio", "virtio_scsi", "virtio_scsi", "virtio:d00000008v00001AF4"});
    CHECK(chain->drivers[3] == DriverStep{"0:0:0:0", "scsi", "sd", "sd_mod", "scsi:t-0x00"});
    CHECK(describe(*chain) == "sda1 on sda, sd (0:0:0:0), virtio_scsi (virtio0), virtio-pci (0000:01:00.0), "
                              "pcieport (0000:00:1c.0)");
}

TEST_CASE("a whole disk, and a name with a slash in it") {
    const FakeMachine machine(R"(
        device pci0000:00/0000:00:04.0  pci  cciss  cciss  pci:v0000103C
        disk   pci0000:00/0000:00:04.0/block/cciss!c0d0  104:0
    )");
    const auto chain = follow_device(machine.paths(), makedev(104, 0));
    REQUIRE(chain.has_value());
    CHECK(describe(*chain) == "cciss/c0d0, cciss (0000:00:04.0)");
}

TEST_CASE("an NVMe disk below a virtual subsystem is followed through its controllers") {
    const FakeMachine machine(R"(
        device pci0000:00/0000:00:05.0             pci  nvme  nvme  pci:v0000144Dbc01sc08i02
        device pci0000:00/0000:00:05.0/nvme/nvme0  nvme
        device virtual/nvme-subsystem/nvme-subsys0  nvme-subsystem
        disk   virtual/nvme-subsystem/nvme-subsys0/nvme0n1     259:0
        part   virtual/nvme-subsystem/nvme-subsys0/nvme0n1/nvme0n1p2  259:2
    )");
    machine.write("sys/devices/pci0000:00/0000:00:05.0/nvme/nvme0/transport", "pcie\n");
    machine.link("sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0",
                 "sys/devices/pci0000:00/0000:00:05.0/nvme/nvme0");
    const auto chain = follow_device(machine.paths(), makedev(259, 2));
    REQUIRE(chain.has_value());
    CHECK(describe(*chain) == "nvme0n1p2 on nvme0n1, nvme (0000:00:05.0)");

    machine.write("sys/devices/pci0000:00/0000:00:05.0/nvme/nvme0/transport", "tcp\n");
    CHECK(tests::error_text(follow_device(machine.paths(), makedev(259, 2))) ==
          "'/dev/nvme0n1' is an NVMe disk across a network (tcp), a dump cannot be written through it yet: "
          "name a "
          "target on a plain disk or partition");
}

TEST_CASE("what no dump can be written through is named with its kind and what to do") {
    const std::string later =
        ", a dump cannot be written through it yet: name a target on a plain disk or partition";
    const struct {
        std::string disk;
        std::vector<std::pair<std::string, std::string>> files;
        std::string error;
    } rows[] = {
        {"virtual/block/dm-0",
         {{"dm/uuid", "LVM-abc\n"}, {"dm/name", "vg-root\n"}, {"slaves/sda3/x", ""}, {"slaves/sdb1/x", ""}},
         "'/dev/dm-0' is an LVM volume ('vg-root' on sda3, sdb1)" + later},
        {"virtual/block/dm-0",
         {{"dm/uuid", "CRYPT-LUKS2-abc-x\n"}, {"dm/name", "x\n"}, {"slaves/sda3/x", ""}},
         "'/dev/dm-0' is an encrypted device ('x' on sda3)" + later},
        {"virtual/block/dm-0",
         {{"dm/uuid", "part1-mpath-36001\n"}, {"dm/name", "mpatha1\n"}, {"slaves/dm-1/x", ""}},
         "'/dev/dm-0' is a multipath device ('mpatha1' on dm-1)" + later},
        {"virtual/block/dm-0",
         {{"dm/uuid", "\n"}, {"dm/name", "t\n"}},
         "'/dev/dm-0' is a device-mapper device ('t')" + later},
        {"virtual/block/md127",
         {{"md/level", "raid1\n"}, {"slaves/sda1/x", ""}, {"slaves/sdb1/x", ""}},
         "'/dev/md127' is a RAID (raid1 on sda1, sdb1)" + later},
        {"virtual/block/loop3",
         {{"loop/backing_file", "/srv/disk.img\n"}},
         "'/dev/loop3' is a loop device on '/srv/disk.img', nobody sets it up in the crash kernel: name a "
         "target on "
         "the disk below it"},
        {"virtual/block/zram0",
         {},
         "'/dev/zram0' is memory, what is on it is gone after a crash: name a target on a disk"},
        {"virtual/block/nbd0", {}, "'/dev/nbd0' is a disk across the network" + later},
        {"virtual/block/bcache0", {{"bcache/x", ""}}, "'/dev/bcache0' is a bcache device" + later},
        {"virtual/block/fancy0", {}, "'/dev/fancy0' is driven by nothing that sysfs names" + later},
        {"platform/host5/session1/target5:0:0/5:0:0:1/block/sdc",
         {{"../../../../iscsi_session/session1/x", ""}},
         "'/dev/sdc' is an iSCSI disk" + later},
        {"pci0000:00/0000:00:04.0/block/sdd",
         {{"ro", "1\n"}},
         "'/dev/sdd' is read-only, a dump cannot be written to it: name a target that can be written to"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.error);
        const FakeMachine machine("disk " + row.disk + " 250:0");
        for (const auto& [name, content] : row.files)
            machine.write("sys/devices/" + row.disk + "/" + name, content);
        const auto chain = follow_device(machine.paths(), makedev(250, 0));
        CHECK(tests::error_text(chain) == row.error);
    }
    const FakeMachine machine("");
    CHECK(tests::error_text(follow_device(machine.paths(), makedev(8, 1))) ==
          "follow '" + machine.path("sys") + "/dev/block/8:1': no such block device");
}
