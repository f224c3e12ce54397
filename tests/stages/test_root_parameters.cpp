// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/root_parameters.h"

#include <doctest/doctest.h>

using namespace lifeboat;

namespace {

RootParameters read(std::string_view line) {
    return read_root_parameters(parse_kernel_command_line(line));
}

} // namespace

TEST_CASE("root is taken from the command line, with its type and options") {
    const auto read_only = read("BOOT_IMAGE=/vmlinuz root=UUID=12-34 quiet");
    REQUIRE(read_only.root);
    CHECK(read_only.root->text() == "UUID=12-34 / auto ro");
    CHECK(read_only.complaints.empty());
    CHECK(read("root=LABEL=a rootfstype=btrfs rootflags=subvol=@ rw").root->text() ==
          "LABEL=a / btrfs rw,subvol=@");
    CHECK(read("root=\"PARTLABEL=my root\" ro").root->text() == "PARTLABEL=my\\040root / auto ro");
    CHECK(read("root=/dev/disk/by-uuid/12 rootfstype=ext4,xfs").root->text() == "UUID=12 / auto ro");
}

TEST_CASE("of what stands there more than once the last counts") {
    CHECK(read("root=/dev/sda1 ro root=/dev/sdb1 rw").root->text() == "/dev/sdb1 / auto rw");
    CHECK_FALSE(read("root=/dev/sda1 rw ro").read_write);
    CHECK(read("init=/bin/a init=/bin/b").init == "/bin/b");
}

TEST_CASE("waiting for root has a bound") {
    CHECK(read("root=/dev/sda1").wait_s == 0);
    CHECK(read("root=/dev/sda1 rootwait").wait_s == 300);
    CHECK(read("root=/dev/sda1 rootdelay=40").wait_s == 40);
    const auto bad = read("root=/dev/sda1 rootdelay=soon");
    CHECK(bad.wait_s == 0);
    REQUIRE(bad.complaints.size() == 1);
    CHECK(bad.complaints[0].starts_with("rootdelay=soon: "));
}

TEST_CASE("what cannot be used is named, and the plan's root is taken") {
    for (const char* line :
         {"quiet", "root=", "root=/dev/mapper/vg-root", "root=/dev/nfs", "root=801", "root=ZFS=tank/root"}) {
        CAPTURE(line);
        const auto parameters = read(line);
        CHECK_FALSE(parameters.root);
        REQUIRE(parameters.complaints.size() == 1);
        CHECK(parameters.complaints[0].ends_with(", taking root from the plan"));
    }
}
