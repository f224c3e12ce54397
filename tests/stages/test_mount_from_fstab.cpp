// SPDX-License-Identifier: GPL-2.0-or-later
// Which rows are taken; that they are mounted is shown in QEMU.
#include "stages/mount_from_fstab.h"
#include "tests/fakes/fake_disks.h"
#include "tests/fakes/recording_report.h"

#include <algorithm>

#include <doctest/doctest.h>

using namespace lifeboat;

namespace {

constexpr std::string_view wanted[] = {"/usr", "/boot"};

std::vector<std::string> lines_for(const std::string& fstab) {
    fakes::reset();
    const fakes::TemporarySystem system;
    system.write("target/etc/fstab", fstab);
    fakes::RecordingReport log;
    CHECK(mount_from_fstab(system.paths(), wanted, Deadline::after_ms(0), log).empty());
    std::erase_if(log.lines, [](const std::string& line) { return line.starts_with("coldplug: "); });
    return log.lines;
}

} // namespace

TEST_CASE("rows for other folders, and rows that are not for a boot, are no business of ours") {
    CHECK(lines_for("").empty());
    CHECK(lines_for("# /boot is here\nUUID=1 / ext4 defaults 0 1\nUUID=2 /home ext4 defaults 0 2\n").empty());
    CHECK(lines_for("UUID=3 /boot ext4 noauto,defaults 0 2\n").empty());
}

TEST_CASE("a row that cannot be mounted is named, and the boot goes on") {
    const auto lines = lines_for("UUID=3 /boot ext4 defaults 0 2\n");
    REQUIRE(lines.size() == 3);
    CHECK(lines[0].starts_with("/boot: find UUID=3: not there after 0."));
    CHECK(lines[2] == "fstab: /boot: no /boot can be used, going on without it");
    const auto network = lines_for("server:/usr /usr nfs ro 0 0\n");
    REQUIRE(network.size() == 1);
    CHECK(network[0].starts_with("fstab: /usr: source 'server:/usr' is not UUID=, "));
    CHECK(network[0].ends_with(", going on without it"));
}

TEST_CASE("a root file system without an fstab has nothing beside it") {
    fakes::reset();
    const fakes::TemporarySystem system;
    fakes::RecordingReport log;
    CHECK(mount_from_fstab(system.paths(), wanted, Deadline::after_ms(0), log).empty());
    CHECK(log.lines == std::vector<std::string>{"fstab: '" + system.path("target") +
                                                "/etc/fstab' cannot be read, mounting nothing beside root"});
}
