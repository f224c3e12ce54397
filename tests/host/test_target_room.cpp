// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/target_room.h"
#include "tests/builders/fake_machine.h"
#include "tests/builders/run_program.h"

#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>
#include <unistd.h>

using namespace lifeboat;
using namespace lifeboat::host;
using lifeboat::tests::FakeMachine;

namespace {

constexpr std::string_view target_b = "UUID=62626262-6262-6262-6262-626262626262 /crash ext4 rw,noatime";

// The usual machine with its second disk mounted on `folder`, which is one of the machine that runs this.
std::string machine_with(const std::string& folder, std::string_view options = "rw") {
    const int parent = folder.starts_with("/tmp/") ? 24 : 22; // it has a tmpfs there
    return std::format("{}    mount 40 {} 8:2 / {} {} - ext4 /dev/sda2 {}\n", tests::usual_machine, parent,
                       folder, options, options);
}

TargetRoom room_of(const FakeMachine& machine, std::string_view target, std::string_view conf = "",
                   std::string_view plan = "") {
    const auto rooms = rooms_of(machine.paths(), Plan::parse(std::format("target = {}\n{}", target, plan)),
                                Config::parse(conf).value());
    REQUIRE(rooms.size() == 1);
    return rooms[0];
}

// A file system of a certain size; only root may have one.
class SmallFileSystem {
public:
    explicit SmallFileSystem(const std::string& options) {
        const auto mounted =
            tests::run_program({"/bin/mount", "-t", "tmpfs", "-o", options, "small", folder_.path()});
        mounted_ = mounted.exit_code == 0;
        if (!mounted_)
            MESSAGE("no tmpfs can be mounted here");
    }
    SmallFileSystem(const SmallFileSystem&) = delete;
    SmallFileSystem& operator=(const SmallFileSystem&) = delete;
    ~SmallFileSystem() {
        if (mounted_)
            tests::run_program({"/bin/umount", folder_.path()});
    }
    [[nodiscard]] bool is_mounted() const { return mounted_; }
    [[nodiscard]] const std::string& path() const { return folder_.path(); }
    void put_dump(const std::string& name, std::size_t bytes) const {
        std::filesystem::create_directories(folder_.path("crash/" + name));
        std::ofstream(folder_.path("crash/" + name + "/vmcore")) << std::string(bytes, 'x');
    }

private:
    tests::TemporaryFolder folder_;
    bool mounted_ = false;
};

} // namespace

TEST_CASE("a target that is there, mounted and has room") {
    const tests::TemporaryFolder disk;
    const FakeMachine machine(machine_with(disk.path()));
    const TargetRoom room = room_of(machine, target_b);
    CHECK(room.name == "UUID=62626262-6262-6262-6262-626262626262 /crash");
    CHECK(room.folder == disk.path("crash"));
    CHECK(room.free_bytes > 0);
    CHECK(room.trouble == "");
}

TEST_CASE("a target whose file system is on no disk") {
    const TargetRoom room = room_of(FakeMachine(tests::usual_machine), "UUID=63636363 /crash ext4");
    CHECK(room.trouble ==
          "target 'UUID=63636363 /crash ext4 rw,noatime': no block device has UUID=63636363: 'blkid' lists "
          "those "
          "that are there; bring it back or name another target in lifeboat.conf, then `lifeboat pack` and "
          "`lifeboat reload`");
}

TEST_CASE("a target that is not mounted is in no trouble, as far as one knows") {
    const TargetRoom room = room_of(FakeMachine(tests::usual_machine), target_b);
    CHECK(room.trouble == "");
    CHECK(room.folder == "");
}

TEST_CASE("a file system that is read-only takes no dump, unless it was named by itself") {
    const tests::TemporaryFolder disk;
    const FakeMachine machine(machine_with(disk.path(), "ro"));
    CHECK(room_of(machine, target_b).trouble ==
          std::format(
              "the file system of '{}' is read-only, as the kernel makes it after an error: check it with "
              "fsck(8), or make it writable with `mount -o remount,rw`",
              disk.path("crash")));
    CHECK(room_of(machine, target_b, std::format("target = {}", target_b)).trouble == "");
}

TEST_CASE("a file system with no room for the kernel log") {
    // /proc has no free block, as a disk that is full.
    CHECK(room_of(FakeMachine(machine_with("/proc")), target_b).trouble ==
          "'/proc/crash' has 0 KiB free, so that not even the kernel log goes there: make room on its file "
          "system");
}

TEST_CASE("older dumps that may go are room") {
    const SmallFileSystem disk("size=1m,mode=755");
    if (!disk.is_mounted())
        return;
    const FakeMachine machine(machine_with(disk.path()));
    disk.put_dump("20260101T000000Z-a", 700'000);
    CHECK(
        room_of(machine, target_b, "", "prune = when-full").trouble.contains(" KiB free, so that not even "));
    disk.put_dump("20260201T000000Z-a", 100'000);
    CHECK(room_of(machine, target_b, "", "prune = when-full").trouble == "");
    CHECK(room_of(machine, target_b, "", "prune = never").trouble.contains(" KiB free, so that not even "));
}

TEST_CASE("a file system with no inode left") {
    const SmallFileSystem disk("size=64m,nr_inodes=2,mode=755");
    if (!disk.is_mounted())
        return;
    std::filesystem::create_directory(disk.path() + "/crash");
    CHECK(room_of(FakeMachine(machine_with(disk.path())), target_b).trouble ==
          std::format(
              "'{}/crash' has no inode left for a file, so that not even the kernel log goes there: make "
              "room on its file system",
              disk.path()));
}
