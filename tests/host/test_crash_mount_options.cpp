// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/machine/crash_mount_options.h"
#include "tests/error_text.h"

#include <doctest/doctest.h>

using namespace lifeboat::host;

TEST_CASE("of the host's options those stay without which the crash kernel could not mount") {
    using Names = std::vector<std::string>;
    const struct {
        std::string_view type, host, options;
        Names modules;
    } rows[] = {
        {"ext4", "rw,errors=panic,discard,usrquota,data=journal", "rw,noatime", {}},
        {"ext4", "", "rw,noatime", {}},
        {"xfs", "rw,attr2,inode64,logbufs=8,noquota", "rw,noatime", {}},
        {"xfs", "rw,nouuid,prjquota", "rw,noatime,nouuid,prjquota", {}},
        {"btrfs", "rw,ssd,space_cache=v2,subvolid=257,subvol=/@", "rw,noatime,subvolid=5", {}},
        {"vfat",
         "rw,fmask=0022,codepage=850,iocharset=ascii,errors=remount-ro",
         "rw,noatime,codepage=850,iocharset=ascii",
         {"nls_cp850", "nls_ascii"}},
        {"vfat", "", "rw,noatime", {"nls_cp437", "nls_ascii", "nls_iso8859_1", "nls_utf8"}},
        {"exfat", "rw,iocharset=utf8", "rw,noatime,iocharset=utf8", {"nls_utf8"}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.type);
        CAPTURE(row.host);
        const auto mount = crash_mount_options(row.type, row.host);
        REQUIRE(mount.has_value());
        CHECK(mount->options == row.options);
        CHECK(mount->modules == row.modules);
    }
    for (const char* option : {"logdev=/dev/sdb1", "rw,rtdev=/dev/sdb2"})
        CHECK(
            lifeboat::tests::error_text(crash_mount_options("xfs", option)) ==
            "its XFS has a log or realtime device of its own, and a dump can only go to a file system on one "
            "device");
}
