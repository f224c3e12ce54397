// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/dump_forecast.h"
#include "tests/builders/core_builder.h"
#include "tests/builders/run_program.h"
#include "tests/builders/temporary_folder.h"
#include "tests/error_text.h"

#include <filesystem>

#include <doctest/doctest.h>

using namespace lifeboat;
using namespace lifeboat::host;
using namespace lifeboat::tests;

TEST_CASE("a forecast comes close to the dump that is made") {
    const TemporaryFolder folder;
    const std::string path = folder.path("core");
    BuiltCore::from(
        "machine cpus 3\nram 0x100000..0x4c00000\npage 0x2000..0x3000 lru\npage 0x4000 buddy order 9")
        .write(path);
    const auto core = CoreFile::open_elf(path);
    REQUIRE(core);
    std::uint64_t pages_before = UINT64_MAX;
    for (const unsigned level : {0U, 16U, 31U}) {
        const auto forecast = forecast_dump(*core, level, {});
        REQUIRE(error_text(forecast) == "no error");
        const std::string dump = folder.path("dump");
        REQUIRE(run_program({LIFEBOAT_PROGRAM, "filter", "--level", std::to_string(level), path, dump})
                    .exit_code == 0);
        const auto real_bytes = static_cast<double>(std::filesystem::file_size(dump));
        CAPTURE(level);
        CHECK(static_cast<double>(forecast->bytes) > real_bytes * 0.8);
        CHECK(static_cast<double>(forecast->bytes) < real_bytes * 1.25);
        CHECK(forecast->pages < pages_before);
        CHECK(forecast->sampled_pages > 0);
        CHECK(forecast->doubts.empty());
        pages_before = forecast->pages;
    }
}

TEST_CASE("a core that tells nothing of its pages is forecast whole") {
    const TemporaryFolder folder;
    BuiltCore::from("machine cpus 1\nram 0x100000..0x1c00000\nelf no_vmcoreinfo").write(folder.path("core"));
    const auto core = CoreFile::open_elf(folder.path("core"));
    REQUIRE(core);
    const auto forecast = forecast_dump(*core, 31, {});
    REQUIRE(error_text(forecast) == "no error");
    CHECK(forecast->pages == 0x1b00);
    CHECK_FALSE(forecast->doubts.empty());
}
