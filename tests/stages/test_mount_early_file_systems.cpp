// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/mount_early_file_systems.h"
#include "tests/fakes/fake_system.h"
#include "tests/fakes/temporary_system.h"

#include <cerrno>
#include <filesystem>

#include <doctest/doctest.h>

using namespace lifeboat;

TEST_CASE("what is not mounted is mounted, on folders that are made") {
    fakes::reset();
    const fakes::TemporarySystem system;
    std::filesystem::remove(system.path("sys"));
    CHECK(mount_early_file_systems(system.paths()).empty());
    CHECK(fakes::calls() == std::vector<std::string>{
                                "mount proc on " + system.path("proc") + " type proc",
                                "mount sysfs on " + system.path("sys") + " type sysfs",
                                "mount devtmpfs on " + system.path("dev") + " type devtmpfs",
                            });
    CHECK(system.exists("sys"));
}

TEST_CASE("what is mounted already stays as it is") {
    fakes::reset();
    const fakes::TemporarySystem system;
    SystemPaths paths = system.paths();
    paths.proc = "/proc"; // is a mount point wherever tests run
    CHECK(mount_early_file_systems(paths).empty());
    CHECK(fakes::calls().size() == 2);
}

TEST_CASE("a mount that fails is survived") {
    fakes::reset();
    fakes::fail_call("mount devtmpfs", ENODEV);
    const fakes::TemporarySystem system;
    CHECK(mount_early_file_systems(system.paths()) ==
          std::vector<std::string>{"mount devtmpfs on '" + system.path("dev") +
                                   "': No such device, making device nodes by hand"});
}
