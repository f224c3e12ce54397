// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/machine/target_place.h"
#include "tests/builders/fake_machine.h"
#include "tests/error_text.h"
#include "tests/fakes/fake_disks.h"

#include <filesystem>

#include <doctest/doctest.h>

using namespace lifeboat::host;
using lifeboat::tests::FakeMachine;

namespace tests = lifeboat::tests;

namespace {

constexpr const char* uuid_a = "61616161-6161-6161-6161-616161616161";
constexpr const char* uuid_b = "62626262-6262-6262-6262-626262626262";

const std::string mounts_on_two = std::string(tests::usual_machine) + R"(
    mount 30 22 8:2 / /srv rw - ext4 /dev/sda2 rw
    mount 31 22 8:2 /dumps /var/crash ro - ext4 /dev/sda2 rw
)";

// The line of the plan, or the error.
std::string located(const FakeMachine& machine, std::string_view text) {
    const auto place = locate_target(machine.paths(), text);
    return place ? place->target.text() : place.error().text;
}

} // namespace

TEST_CASE("a folder becomes a file system and a path on it") {
    const FakeMachine machine(mounts_on_two);
    machine.link("crash", "srv/new");
    const struct {
        std::string_view folder, uuid, rest, seen_at;
    } rows[] = {
        {"/var/lib/crash", uuid_a, "/var/lib/crash", "/var/lib/crash"},
        {"/srv", uuid_b, "/", "/srv"},
        {"/srv/a\\040b", uuid_b, "/a\\040b", "/srv/a b"},
        {"/crash/x", uuid_b, "/new/x", "/srv/new/x"},         // through a symlink
        {"/var/crash/x", uuid_b, "/dumps/x", "/var/crash/x"}, // a bind mount, seen read-only here
    };
    for (const auto& row : rows) {
        CAPTURE(row.folder);
        const auto place = locate_target(machine.paths(), row.folder);
        REQUIRE(place.has_value());
        CHECK(place->target.text() == std::format("UUID={} {} ext4 rw,noatime", row.uuid, row.rest));
        CHECK(place->folder_on_host == row.seen_at);
        CHECK(place->chain.disk == "sda");
    }
}

TEST_CASE("every form of a plan's target") {
    const FakeMachine machine(mounts_on_two);
    machine.link("dev/disk/by-path/pci-x", "dev/sda2");
    const std::string by_b = std::string("UUID=") + uuid_b;
    const struct {
        std::string text, line, seen_at;
    } rows[] = {
        {by_b + " /dumps/x", by_b + " /dumps/x ext2 rw,noatime", "/srv/dumps/x"},
        {by_b + " /x ext4 rw,sync", by_b + " /x ext4 rw,sync", "/srv/x"},
        {"/dev/sda2 /x ext4", by_b + " /x ext4 rw,noatime", "/srv/x"},
        {"/dev/disk/by-path/pci-x /x auto", by_b + " /x ext2 rw,noatime", "/srv/x"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.text);
        const auto place = locate_target(machine.paths(), row.text);
        CHECK(tests::error_text(place) == "no error");
        REQUIRE(place.has_value());
        CHECK(place->target.text() == row.line);
        CHECK(place->folder_on_host == row.seen_at);
    }
}

TEST_CASE("an ext4 with its journal on another device is refused") {
    const FakeMachine machine(mounts_on_two);
    std::string image = lifeboat::fakes::ext2_image('b', "");
    image[1024 + 0x5c] = 4; // has_journal
    image.replace(1024 + 0xd0, 16, std::string(16, 'c'));
    machine.write("dev/sda2", image);
    CHECK(located(machine, "/srv")
              .ends_with("its ext4 has its journal on another device (UUID "
                         "63636363-6363-6363-6363-636363636363), and a dump can "
                         "only go to a file system on one: name another target"));
}

TEST_CASE("a subvolume of btrfs is a path from the top") {
    const FakeMachine machine(std::string(tests::usual_machine) + R"(
        mount 30 22 0:44 /@crash /var/crash rw - btrfs /dev/sda2 rw,ssd,subvolid=257,subvol=/@crash
    )");
    const std::string line = std::format("UUID={} /@crash/new btrfs rw,noatime,subvolid=5", uuid_b);
    CHECK(located(machine, "/var/crash/new") == line);
    machine.write(std::format("sys/fs/btrfs/{}/devices/sda2/x", uuid_b), "");
    CHECK(located(machine, "/var/crash/new") == line);
    machine.write(std::format("sys/fs/btrfs/{}/devices/sdb/x", uuid_b), "");
    CHECK(located(machine, "/var/crash") ==
          "target '/var/crash': its btrfs is on 2 devices, and a dump can only go to "
          "a file system on one: name another target");
}

TEST_CASE("what is mounted and cannot hold a dump") {
    const struct {
        std::string type, source, error;
    } rows[] = {
        {"tmpfs", "tmpfs", "which is in memory and gone after the crash: name a folder on a disk"},
        {"overlay", "overlay",
         "which is a layer over other file systems: name the folder on the file system below it, as "
         "'UUID=... "
         "FOLDER'"},
        {"nfs4", "nas:/dumps",
         "which lies across the network, where dumps cannot be sent yet: name a folder on a disk of this "
         "machine"},
        {"fuse.sshfs", "a:/b",
         "which is served by a program that the crash kernel has not: name a folder on a file system of the "
         "kernel's "
         "own"},
        {"autofs", "systemd-1",
         "whose disk is mounted when it is first used: use the folder, then pack again"},
        {"squashfs", "/dev/loop0", "which cannot be written to: name a folder on a file system that can"},
    };
    for (const auto& row : rows) {
        const FakeMachine machine(
            std::string(tests::usual_machine) +
            std::format("mount 30 22 0:44 / /var/crash rw - {} {} rw\n", row.type, row.source));
        CHECK(located(machine, "/var/crash/x") ==
              std::format("target '/var/crash/x': it is on {} ('/var/crash'), {}", row.type, row.error));
    }
}

TEST_CASE("targets that cannot be used say why and what to do") {
    const FakeMachine machine(std::string(tests::usual_machine) + R"(
        disk  pci0000:00/0000:00:1c.0/block/sdb 8:16 ext2=b
        disk  pci0000:00/0000:00:1c.0/block/sdc 8:32
        disk  virtual/block/loop0 7:0
        mount 30 22 8:1 / /mnt ro - ext4 /dev/sda1 ro,errors=remount-ro
        mount 31 22 0:50 / /odd rw - oddfs none rw
    )");
    machine.write("etc/fstab", "UUID=1 /srv/dumps xfs noauto 0 2\n");
    machine.write("sys/devices/virtual/block/loop0/loop/backing_file", "/x.img\n");
    const std::string uuid = uuid_b;
    const struct {
        std::string text, error;
    } rows[] = {
        {"var/crash", "'var/crash' is not `SOURCE PATH [TYPE] [OPTIONS] [size=BYTES]`"},
        {"/dev/sda1", "it is a device: write '/dev/sda1 FOLDER', the folder being one on it"},
        {"/dev/sdz /x", "there is no block device '/dev/sdz'"},
        {"LABEL=none /x", "no block device has LABEL=none: 'blkid' lists those that are there"},
        {"/srv/dumps/x",
         "'/srv/dumps' is named in '" + machine.root() +
             "/etc/fstab' and not mounted, so that the dumps would go below it: mount it, then pack again"},
        {"/mnt/x", "its file system ('/mnt', ext4) is mounted read-only, which the kernel also does after an "
                   "error: make "
                   "it writable, or name it as 'UUID=... FOLDER ext4 rw'"},
        {"/odd", "it is on oddfs ('none'), which is on no block device: name a folder on a disk"},
        {"UUID=" + uuid + " /x",
         "UUID=" + uuid +
             " is on /dev/sda2 and /dev/sdb, and which of them the crash kernel finds first is "
             "not known: change one's, or name it by PARTUUID="},
        {"/dev/sda1 /x ext4 ro,noatime", "its options 'ro,noatime' make it read-only: leave out 'ro'"},
        {"/dev/sdc /x", "no file system is seen on '/dev/sdc': make one, or name its type"},
        {"/dev/sdc /x ext4", "'/dev/sdc' has no UUID by which the crash kernel would find it again: give its "
                             "file system a UUID, or name it "
                             "by LABEL= or PARTLABEL="},
        {"/dev/loop0 /x",
         "'/dev/loop0' is a loop device on '/x.img', nobody sets it up in the crash kernel: name a "
         "target on the disk below it"},
        {"/dev/sda1 /x nfs4",
         "its type is nfs4, which lies across the network, where dumps cannot be sent yet: name a "
         "folder on a disk of this machine"},
    };
    for (const auto& row : rows)
        CHECK(located(machine, row.text) == std::format("target '{}': {}", row.text, row.error));
    std::filesystem::remove(machine.path("dev/sda1"));
    CHECK(located(machine, "/home") == "target '/home': what is on '/dev/sda1' is not known: open '" +
                                           machine.path("dev/sda1") +
                                           "': No such file or directory: pack as root");
    CHECK(located(FakeMachine(""), "/x").contains("nothing is mounted at '/' in '"));
}

TEST_CASE("swap and parts of other things are not file systems") {
    const FakeMachine machine(tests::usual_machine);
    std::string swap(1 << 20, '\0');
    swap.replace(4096 - 10, 10, "SWAPSPACE2");
    swap[1024] = 1;
    swap[1028] = '\x7f';
    machine.write("dev/sda2", swap);
    CHECK(located(machine, "/dev/sda2 /x") ==
          "target '/dev/sda2 /x': '/dev/sda2' is swap space: name a file system");
}

// init saves to what a target means; list, prune, status and report are to look there.
TEST_CASE("the folder in which a target's dumps are seen") {
    const FakeMachine machine(std::string(tests::usual_machine) + R"(
        mount 30 22 8:2 /dumps /var/crash rw - ext4 /dev/sda2 rw
        mount 31 22 0:44 /@data /data rw - btrfs /dev/sda2 rw,subvolid=257,subvol=/@data
        mount 32 22 0:30 / /hidden rw - tmpfs tmpfs rw
        mount 33 22 8:2 / /hidden/below rw - ext4 /dev/sda2 rw
    )");
    machine.link("crash", "srv/new");
    const std::string by_b = std::string("UUID=") + uuid_b;
    const struct {
        std::string text, folder;
    } rows[] = {
        {"/srv/a\\040b", "/srv/a b"},
        {"/crash", "/srv/new"},
        {"/tmp/in/memory", "/tmp/in/memory"}, // none can be written to it, which is no matter here
        {by_b + "\t/dumps/x\text4", "/var/crash/x"},
        {by_b + " /a\\040b ext4", ""}, // the mount that would show it is below another that covers it
        {"/dev/sda2 /@data/x btrfs", "/data/x"},
        {"LABEL=none /x", ""},
    };
    for (const auto& row : rows) {
        CAPTURE(row.text);
        CHECK(find_dump_folder(machine.paths(), row.text).value_or("") == row.folder);
    }
}

// Once an hour somebody asks whether all is well: that neither wakes a disk nor waits for one.
TEST_CASE("what udev knows is not read from the devices") {
    const FakeMachine machine(mounts_on_two);
    machine.write("run/udev/data/b8:1", "S:disk/by-uuid/x\nE:ID_FS_TYPE=ext4\nE:ID_FS_UUID=u-1\n"
                                        "E:ID_FS_UUID_ENC=u-1\nE:ID_FS_LABEL_ENC=a\\x20b\nG:systemd\n");
    machine.write("run/udev/data/b8:2", "E:ID_FS_TYPE=xfs\nE:ID_FS_UUID_ENC=u-2\n");
    machine.write("dev/sda1", "neither of the two can be read");
    machine.write("dev/sda2", "");
    const auto place = locate_target(machine.paths(), "/srv/x", DeviceView::known);
    REQUIRE(place);
    CHECK(place->target.text() == "UUID=u-2 /x ext4 rw,noatime");
    CHECK(locate_target(machine.paths(), "LABEL=a\\040b /x", DeviceView::known).value().target.text() ==
          "LABEL=a\\040b /x ext4 rw,noatime");
    CHECK_FALSE(locate_target(machine.paths(), "/srv/x", DeviceView::read));
    // A disk that udev has not seen yet is read.
    std::filesystem::remove(machine.path("run/udev/data/b8:2"));
    CHECK_FALSE(locate_target(machine.paths(), "/srv/x", DeviceView::known));
}
