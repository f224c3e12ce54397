// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/find_target.h"
#include "stages/mount_target.h"
#include "stages/scan_scsi_hosts.h"
#include "tests/error_text.h"
#include "tests/fakes/fake_disks.h"
#include "tests/fakes/recording_report.h"

#include <thread>

#include <doctest/doctest.h>
#include <unistd.h>

using namespace lifeboat;
using namespace std::string_literals;

namespace {

constexpr const char* uuid_a = "61616161-6161-6161-6161-616161616161";

Target target_of(const std::string& source) {
    return parse_target(source + " /crash").value();
}

TargetSearch start(const fakes::TemporarySystem& system, Log& log) {
    return TargetSearch::start(system.paths(), {}, log).value();
}

} // namespace

TEST_CASE("a target is found by each of its names") {
    fakes::reset();
    const fakes::TemporarySystem system;
    fakes::add_disk(system, "sda", "8:0", fakes::ext2_image('b', "other"));
    fakes::add_disk(system, "sdb1", "8:17", fakes::ext2_image('a', "dumps"),
                    "PARTUUID=6c69-01\nPARTNAME=crash area\n");
    fakes::RecordingReport log;
    TargetSearch search = start(system, log);
    for (const std::string& source : {"UUID="s + uuid_a, "LABEL=dumps"s, "PARTUUID=6C69-01"s,
                                      "PARTLABEL=crash\\040area"s, "/dev/sdb1"s}) {
        CAPTURE(source);
        const auto found = search.find(target_of(source), Deadline::after_ms(0));
        REQUIRE(found.has_value());
        CHECK(found->node == system.path("nodes/sdb1"));
        CHECK(found->type == "ext2");
    }
}

TEST_CASE("a target that is not there costs its deadline, and the devices seen are listed") {
    fakes::reset();
    const fakes::TemporarySystem system;
    fakes::add_disk(system, "sda", "8:0", fakes::ext2_image('b', "other"));
    fakes::add_disk(system, "sdb", "8:16", std::string(1 << 20, '\0'));
    fakes::add_disk(system, "sdc", "8:32", "");                          // no medium in it
    fakes::add_disk(system, "loop0", "7:0", fakes::ext2_image('a', "")); // never a target
    fakes::add_disk(system, "cciss!c0d0", "104:0",
                    fakes::ext2_image('c', "\n")); // not printable, not ours to hide
    fakes::RecordingReport log;
    TargetSearch search = start(system, log);
    const std::int64_t started_ms = monotonic_ms();
    const auto found = search.find(target_of("UUID="s + uuid_a), Deadline::after_ms(60));
    CHECK_FALSE(found);
    CHECK(monotonic_ms() - started_ms >= 60);
    CHECK(found.error().kind == ErrorKind::timed_out);
    CHECK(found.error().text.starts_with("find UUID="s + uuid_a + ": not there after 0."));
    search.log_devices();
    REQUIRE(log.lines.size() == 3);
    CHECK(log.lines[0].starts_with("target: seen /dev/cciss/c0d0: 1048576 bytes, TYPE=ext2 UUID=63636363-"));
    CHECK(log.lines[1] == "target: seen /dev/sda: 1048576 bytes, TYPE=ext2 "
                          "UUID=62626262-6262-6262-6262-626262626262 LABEL=other");
    CHECK(log.lines[2] == "target: seen /dev/sdb: 1048576 bytes, no tags");
}

TEST_CASE("no device at all is said so") {
    fakes::reset();
    const fakes::TemporarySystem system;
    fakes::RecordingReport log;
    TargetSearch search = start(system, log);
    CHECK_FALSE(search.find(target_of("LABEL=x"), Deadline::after_ms(0)));
    search.log_devices();
    CHECK(log.lines == std::vector<std::string>{"target: no block device was seen"});
}

TEST_CASE("a device that cannot be opened is listed with the reason") {
    fakes::reset();
    const fakes::TemporarySystem system;
    fakes::add_disk(system, "sda", "8:0", fakes::ext2_image('a', ""));
    fakes::fail_call("make_node", EROFS);
    fakes::RecordingReport log;
    TargetSearch search = start(system, log);
    CHECK_FALSE(search.find(target_of("LABEL=x"), Deadline::after_ms(0)));
    search.log_devices();
    CHECK(log.lines ==
          std::vector<std::string>{"target: seen /dev/sda: 1048576 bytes, make the device node '" +
                                   system.path("nodes/sda") + "': Read-only file system"});
}

TEST_CASE("a disk that comes while it is waited for is found by its event") {
    fakes::reset();
    const fakes::TemporarySystem system;
    fakes::RecordingReport log;
    TargetSearch search = start(system, log);
    std::thread plugging([&] {
        ::usleep(50'000);
        fakes::add_disk(system, "sda", "8:0", fakes::ext2_image('a', ""));
        fakes::send_uevent("add@/x\0ACTION=add\0DEVPATH=/x\0SUBSYSTEM=block\0DEVNAME=sda"s);
    });
    const std::int64_t started_ms = monotonic_ms();
    const auto found = search.find(target_of("UUID="s + uuid_a), Deadline::after_ms(20'000));
    plugging.join();
    CHECK(found.has_value());
    CHECK(monotonic_ms() - started_ms < 900); // before the next scan was due
}

TEST_CASE("a device that was seen empty is looked at again when it changes") {
    fakes::reset();
    const fakes::TemporarySystem system;
    fakes::add_disk(system, "sda", "8:0", std::string(1 << 20, '\0'));
    fakes::RecordingReport log;
    TargetSearch search = start(system, log);
    const Target target = target_of("UUID="s + uuid_a);
    CHECK_FALSE(search.find(target, Deadline::after_ms(0)));
    fakes::add_disk(system, "sda", "8:0", fakes::ext2_image('a', ""));
    CHECK_FALSE(
        search.find(target, Deadline::after_ms(0))); // as long as nobody says so, it is not probed again
    fakes::send_uevent("change@/x\0ACTION=change\0DEVPATH=/x\0SUBSYSTEM=block\0DEVNAME=sda"s);
    CHECK(search.find(target, Deadline::after_ms(5000)).has_value());
}

TEST_CASE("a disk that could not be read is asked again, without an event") {
    fakes::reset();
    const fakes::TemporarySystem system;
    fakes::add_disk(system, "sda", "8:0", fakes::ext2_image('a', ""));
    const std::string image = system.path("images/sda");
    std::filesystem::rename(image, image + ".away");
    fakes::RecordingReport log;
    TargetSearch search = start(system, log);
    const Target target = target_of("UUID="s + uuid_a);
    CHECK_FALSE(search.find(target, Deadline::after_ms(0)));
    search.log_devices();
    CHECK(log.lines.back().contains("No such file or directory"));
    std::filesystem::rename(image + ".away", image);
    CHECK(search.find(target, Deadline::after_ms(20'000)).has_value());
}

TEST_CASE("a disk that cannot be read and is named by its path is the target at last") {
    fakes::reset();
    const fakes::TemporarySystem system;
    fakes::add_disk(system, "sda", "8:0", fakes::ext2_image('a', ""));
    std::filesystem::remove(system.path("images/sda"));
    fakes::RecordingReport log;
    TargetSearch search = start(system, log);
    const auto found = search.find(target_of("/dev/sda"), Deadline::after_ms(200));
    REQUIRE(found.has_value());
    CHECK(found->type.empty());
}

TEST_CASE("of two devices with one name the first is taken, or neither") {
    fakes::reset();
    const fakes::TemporarySystem system;
    fakes::add_disk(system, "sda", "8:0", fakes::ext2_image('a', ""));
    fakes::add_disk(system, "sdb", "8:16", fakes::ext2_image('a', ""));
    fakes::add_disk(system, "sdc", "8:32", fakes::ext2_image('c', "alone"));
    fakes::RecordingReport log;
    TargetSearch any = start(system, log);
    CHECK(any.find(target_of("UUID="s + uuid_a), Deadline::after_ms(5000)).has_value());
    TargetSearch strict =
        TargetSearch::start(system.paths(), {.match = TargetSearch::Match::only}, log).value();
    CHECK(tests::error_text(strict.find(target_of("UUID="s + uuid_a), Deadline::after_ms(5000))) ==
          "UUID="s + uuid_a + " is on two devices, '/dev/sda' and '/dev/sdb': using neither");
    CHECK(strict.find(target_of("LABEL=alone"), Deadline::after_ms(5000)).has_value());
}

TEST_CASE("of two devices with one name that of the size the host saw is taken") {
    fakes::reset();
    const fakes::TemporarySystem system;
    fakes::add_disk(system, "sda", "8:0", fakes::ext2_image('a', ""));
    fakes::add_disk(system, "sdb", "8:16", fakes::ext2_image('a', "") + std::string(4096, '\0'));
    fakes::RecordingReport log;
    for (const auto& [size, name] : {std::pair(1 << 20, "sda"), std::pair((1 << 20) + 4096, "sdb")}) {
        TargetSearch search = start(system, log);
        Target target = target_of("UUID="s + uuid_a);
        target.size_bytes = static_cast<std::uint64_t>(size);
        const auto found = search.find(target, Deadline::after_ms(5000));
        REQUIRE(found.has_value());
        CHECK(found->node == system.path("nodes/"s + name));
    }
}

TEST_CASE("every SCSI host is scanned, one that refuses is passed over") {
    const fakes::TemporarySystem system;
    system.write("sys/class/scsi_host/host0/scan", "");
    system.write("sys/class/scsi_host/host1/unique_id", "");
    system.write("sys/class/scsi_host/host10/scan", "");
    fakes::RecordingReport log;
    CHECK(scan_scsi_hosts(system.paths(), log) == 2);
    CHECK(system.read("sys/class/scsi_host/host0/scan") == "- - -\n");
    CHECK(system.read("sys/class/scsi_host/host10/scan") == "- - -\n");
    CHECK(log.lines ==
          std::vector<std::string>{"scsi: open '" + system.path("sys/class/scsi_host/host1/scan") +
                                   "': No such file or directory, passing over it"});
}

TEST_CASE("scans are repeated, and at once when a host comes") {
    fakes::reset();
    const fakes::TemporarySystem system;
    system.write("sys/class/scsi_host/host0/scan", "");
    fakes::RecordingReport log;
    TargetSearch search = start(system, log);
    CHECK_FALSE(search.find(target_of("LABEL=x"), Deadline::after_ms(0)));
    CHECK(log.lines.size() == 1);
    fakes::send_uevent("add@/h\0ACTION=add\0DEVPATH=/h/scsi_host/host1\0SUBSYSTEM=scsi_host"s);
    CHECK_FALSE(search.find(target_of("LABEL=x"), Deadline::after_ms(100)));
    CHECK(log.lines.size() == 2);
    CHECK_FALSE(search.find(target_of("LABEL=x"), Deadline::after_ms(2500)));
    CHECK(log.lines.size() == 3); // the interval has grown to 2 s
}

TEST_CASE("targets that cannot be used, to the last") {
    fakes::reset();
    const fakes::TemporarySystem system;
    fakes::add_disk(system, "sda", "8:0", fakes::ext2_image('a', ""));
    fakes::RecordingReport log;
    const std::vector<Target> targets = {target_of("LABEL=absent"), target_of("UUID="s + uuid_a)};
    const auto mounted = find_and_mount_target(
        {.paths = system.paths(), .targets = targets, .deadline = Deadline::after_ms(0)}, log);
    CHECK(tests::error_text(mounted) == "no target can be used");
    REQUIRE(log.lines.size() == 4);
    CHECK(log.lines[0] == "target: find LABEL=absent: not there after 0.0 s, trying the next one");
    CHECK(log.lines[1] == "target: UUID="s + uuid_a + " is " + system.path("nodes/sda") + ", ext2");
    CHECK(log.lines[2].starts_with("target: mount '" + system.path("nodes/sda") +
                                   "' as ext2 with 'rw,noatime': "));
    CHECK(log.lines[3].starts_with("target: seen /dev/sda: "));
}

TEST_CASE("a plan without targets") {
    fakes::RecordingReport log;
    CHECK(tests::error_text(find_and_mount_target({.paths = {}, .targets = {}, .deadline = Deadline::never()},
                                                  log)) == "the plan names no target");
}
