// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/machine/mount_table.h"
#include "tests/builders/fake_machine.h"
#include "tests/error_text.h"

#include <doctest/doctest.h>
#include <sys/sysmacros.h>

using namespace lifeboat;
using namespace lifeboat::host;
using tests::FakeMachine;

namespace {

std::string found_at(const FakeMachine& machine, std::string_view path) {
    const auto mounts = read_mount_table(machine.paths()).value();
    const MountEntry* const mount = find_mount(mounts, path);
    return mount == nullptr ? "none" : std::to_string(mount->id);
}

} // namespace

TEST_CASE("a mount's fields") {
    const FakeMachine machine(
        R"(mount 36 22 8:17 /a\040b /mnt/x\040y rw,noatime shared:1 - xfs /dev/sdb1 rw,usrquota)");
    const auto mounts = read_mount_table(machine.paths()).value();
    REQUIRE(mounts.size() == 1);
    CHECK(mounts[0].id == 36);
    CHECK(mounts[0].parent_id == 22);
    CHECK(mounts[0].device == makedev(8, 17));
    CHECK(mounts[0].folder == "/mnt/x y");
    CHECK(mounts[0].root == "/a b");
    CHECK(mounts[0].type == "xfs");
    CHECK(mounts[0].source == "/dev/sdb1");
    CHECK(mounts[0].options == "rw,noatime");
    CHECK(mounts[0].super_options == "rw,usrquota");
}

TEST_CASE("a path is on the mount that a walk along it ends on") {
    const FakeMachine machine(R"(
        mount 22 1 8:1 / / rw - ext4 /dev/sda1 rw
        mount 30 22 8:2 / /var rw - ext4 /dev/sda2 rw
        mount 31 30 8:3 / /var/crash rw - ext4 /dev/sda3 rw
        mount 32 31 8:4 / /var/crash rw - ext4 /dev/sda4 rw
        mount 40 22 8:5 / /srv/a/b rw - ext4 /dev/sda5 rw
        mount 41 22 8:6 / /srv/a rw - ext4 /dev/sda6 rw
    )");
    const struct {
        std::string_view path, mount;
    } rows[] = {
        {"/", "22"},
        {"/home/x", "22"},
        {"/var", "30"},
        {"/var/crashes", "30"},
        {"/var/crash", "32"},
        {"/var/crash/x", "32"} // the one mounted over the other
        ,
        {"/srv/a/x", "41"},
        {"/srv/a/b/c", "41"}, // 41 came later and hides 40
    };
    for (const auto& row : rows) {
        CAPTURE(row.path);
        CHECK(found_at(machine, row.path) == row.mount);
    }
    CHECK(found_at(FakeMachine("mount 30 22 8:2 / /var rw - ext4 /dev/sda2 rw"), "/var/crash") == "none");
}

TEST_CASE("a mount table that is not there") {
    const FakeMachine machine("");
    SystemPaths paths = machine.paths();
    paths.proc = machine.path("none");
    CHECK(tests::error_text(read_mount_table(paths)) ==
          "read the mount table '" + machine.path("none") + "/self/mountinfo': No such file or directory");
}

TEST_CASE("a mount point of fstab that is not mounted") {
    const FakeMachine machine("mount 22 1 8:1 / / rw - ext4 /dev/sda1 rw");
    const auto mounts = read_mount_table(machine.paths()).value();
    CHECK(find_unmounted(machine.paths(), "/var/crash", mounts[0]).empty());
    machine.write("etc/fstab", "# all of it\n"
                               "UUID=1 / ext4 defaults 0 1\n"
                               "UUID=2 /var ext4 defaults 0 2\n"
                               "UUID=3 /var/crash xfs noauto 0 2\n"
                               "UUID=4 none swap sw 0 0\n"
                               "UUID=5 /srv ext4 defaults 0 2\n");
    CHECK(find_unmounted(machine.paths(), "/var/crash/here", mounts[0]) == "/var/crash");
    CHECK(find_unmounted(machine.paths(), "/var/log", mounts[0]) == "/var");
    CHECK(find_unmounted(machine.paths(), "/home", mounts[0]).empty());
}

TEST_CASE("options between commas") {
    CHECK(has_option("rw,noatime", "noatime"));
    CHECK(has_option("rw,logdev=/dev/x", "logdev="));
    CHECK_FALSE(has_option("rw,errors=remount-ro", "ro"));
    CHECK_FALSE(has_option("", "ro"));
}
