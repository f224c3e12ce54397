// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/crash_kernel/packed_need.h"
#include "host/machine/manifest.h"
#include "host/machine/memory_need.h"
#include "tests/fakes/temporary_system.h"

#include <doctest/doctest.h>

using namespace lifeboat;
using namespace lifeboat::host;

TEST_CASE("the boot menu's number is that of the packed kernel which needs most") {
    const fakes::TemporarySystem system;
    CHECK(largest_packed_need(system.paths()) == 0);
    const auto note = [&](const std::string& version, const std::string& need) {
        const std::string name = "var/lib/lifeboat/manifest-" + version;
        system.write(name, "");
        const Manifest manifest{.kernel = version, .facts = {{memory_need_fact, need}}};
        REQUIRE(write_manifest(system.path(name), manifest));
    };
    note("6.1", "62914560");
    CHECK(largest_packed_need(system.paths()) == 62914560);
    note("7.3", "73400320");
    note("6.12", "66060288");
    note("5.10", "much");
    system.write("var/lib/lifeboat/manifest-broken", "no manifest");
    system.write("var/lib/lifeboat/plan-9", "memory_need_bytes 99999999999");
    CHECK(largest_packed_need(system.paths()) == 73400320);
}
