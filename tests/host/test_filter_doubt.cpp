// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/filter_doubt.h"
#include "host/machine/kernel_release.h"
#include "tests/builders/core_builder.h"
#include "tests/fakes/temporary_system.h"

#include <format>

#include <doctest/doctest.h>

using namespace lifeboat::host;
using lifeboat::fakes::TemporarySystem;
using lifeboat::tests::BuiltCore;

TEST_CASE("a release's line") {
    const struct {
        std::string_view release;
        std::optional<KernelLine> line;
    } table[] = {
        {"6.12.117+deb12-cloud-amd64", KernelLine{6, 12}},
        {"7.3.4", KernelLine{7, 3}},
        {"6.1", KernelLine{6, 1}},
        {"6.1-rc1", KernelLine{6, 1}},
        {"6", std::nullopt},
        {"6.x", std::nullopt},
        {"next-20260101", std::nullopt},
        {"", std::nullopt},
    };
    for (const auto& [release, line] : table) {
        CAPTURE(release);
        CHECK(parse_kernel_line(release) == line);
    }
}

TEST_CASE("of the running kernel its own memory tells what a dump can leave out") {
    const struct {
        std::string_view change;
        unsigned asked;
        std::string_view doubt;
    } table[] = {
        {"", 31, ""},
        {"omit OFFSET(page.compound_info)", 31,
         "the running kernel does not tell enough of its pages, a dump would be of level 1 instead of 31; "
         "VMCOREINFO "
         "has no usable offset of page.compound_info, keeping every page"},
        {"omit OFFSET(page.compound_info)", 1, ""}, // nothing of that is asked for
        {"omit NUMBER(PG_lru)", 31,
         "the running kernel does not tell enough of its pages, a dump would be of level 25 instead of 31; "
         "VMCOREINFO lacks PG_lru or PG_private, keeping the page cache"},
        {"omit NUMBER(PG_lru)", 25, ""},
    };
    for (const auto& [change, asked, doubt] : table) {
        CAPTURE(change);
        CAPTURE(asked);
        const TemporarySystem system;
        system.write("proc/sys/kernel/osrelease", "7.9.1-test\n");
        BuiltCore::from(std::format("ram 0x1000000..0x1900000\nkernel 7.1\npage 0x1880 buddy\n{}", change))
            .write(system.path("proc/kcore"));
        CHECK(filter_doubt(system.paths(), "7.9.1-test", asked) == doubt);
    }
}

TEST_CASE("of another kernel, or where memory cannot be read, only its age tells") {
    const TemporarySystem system;
    system.write("proc/sys/kernel/osrelease", "6.1.0-test\n");
    CHECK(filter_doubt(system.paths(), "6.1.0-test", 31) == "");
    CHECK(filter_doubt(system.paths(), "7.3.9-test", 31) == "");
    CHECK(filter_doubt(system.paths(), "self-built", 31) == "");
    CHECK(filter_doubt(system.paths(), "7.4.0-test", 31) ==
          std::format(
              "kernel 7.4.0-test is newer than those that were tried, up to 7.3: whether its dumps can be "
              "filtered is known while it runs and '{}/kcore' can be read",
              system.paths().proc));
}
