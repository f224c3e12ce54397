// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/config.h"
#include "tests/builders/temporary_folder.h"

#include <fstream>

#include <doctest/doctest.h>

using namespace lifeboat;
using namespace lifeboat::host;
using namespace lifeboat::tests;

TEST_CASE("without a configuration there are defaults that work") {
    const auto config = read_config("/no/such/lifeboat.conf");
    REQUIRE(config);
    CHECK(config->targets == std::vector<std::string>{"/var/crash"});
    CHECK(config->plan.level == 31);
    CHECK(config->plan.action == Action::reboot);
    CHECK(config->keep.count == 5);
    CHECK(config->cpus == 0);
    CHECK(config->good_generations == 3);
    CHECK(config->failed_boots == 0);
}

TEST_CASE("every key is taken") {
    const auto config =
        Config::parse("# dumps\n"
                      "target = /srv/crash\n"
                      "target = UUID=12 /crash ext4\n"
                      "\tlevel = 17 \n"
                      "compress = zlib:6\nthreads = 2\nhost = db1\naction = poweroff\n"
                      "deadline.target = 7\n"
                      "module = hpwdt soft_margin=30\n"
                      "command_line = irqpoll a=\"b c\"\n"
                      "cpus = 2\nkeep.count = 3\nkeep.days = 30\nkeep.size = 2G\nkeep.count = 4\n"
                      "good.generations = 1\nrescue.after_failed_boots = 2");
    REQUIRE(config);
    CHECK(config->targets == std::vector<std::string>{"/srv/crash", "UUID=12 /crash ext4"});
    CHECK(config->plan.level == 17);
    CHECK(config->plan.compression.level == 6);
    CHECK(config->plan.threads == 2);
    CHECK(config->plan.host == "db1");
    CHECK(config->plan.action == Action::power_off);
    CHECK(config->plan.deadlines.target_s == 7);
    CHECK(config->modules == std::vector<std::string>{"hpwdt soft_margin=30"});
    CHECK(config->command_line == "irqpoll a=\"b c\"");
    CHECK(config->cpus == 2);
    CHECK(config->keep.count == 4);
    CHECK(config->good_generations == 1);
    CHECK(config->failed_boots == 2);
    CHECK(config->keep.days == 30);
    CHECK(config->keep.bytes == std::uint64_t{2} << 30);
}

TEST_CASE("what cannot be used is refused, with its line") {
    const struct {
        std::string_view text;
        std::string_view error;
    } table[] = {
        {"level", "line 1: 'level' is not `key = value`"},
        {"\n\nlevel = 32", "line 3: level: '32' is not a number from 0 to 31"},
        {"colour = blue", "line 1: key 'colour' is not known"},
        {"deadline.lunch = 1", "line 1: key 'deadline.lunch' is not known"},
        {"action = sleep", "line 1: action: 'sleep' is not reboot, poweroff or halt"},
        {"target = var/crash",
         "line 1: target: 'var/crash' is not `SOURCE PATH [TYPE] [OPTIONS] [size=BYTES]`"},
        {"target = UUID=1 ../x", "line 1: target: path '../x' is not absolute and without '..'"},
        {"module = /lib/x.ko", "line 1: module: '/lib/x.ko' is not the name of a module"},
        {"watchdog.module = softdog nowayout=1",
         "line 1: watchdog.module: 'softdog nowayout=1' is not the name of a module"},
        {"watchdog.timeout = 5", "line 1: watchdog.timeout: '5' is neither 0 nor 10 to 3600"},
        {"good.generations = 0", "line 1: good.generations: '0' is not a number from 1 to 100"},
        {"rescue.after_failed_boots = 10",
         "line 1: rescue.after_failed_boots: '10' is not a number from 0 to 9"},
        {"cpus = many", "line 1: cpus: 'many' is not a number from 0 to 1024"},
        {"keep.size = 5X", "line 1: keep.size: '5X' is not a size such as 500M or 2G"},
        {"keep.size = 99999999999999T",
         "line 1: keep.size: '99999999999999T' is not a size such as 500M or 2G"},
        {"keep.size =", "line 1: keep.size: '' is not a size such as 500M or 2G"},
    };
    for (const auto& [text, error] : table) {
        const auto config = Config::parse(text);
        REQUIRE_FALSE(config);
        CHECK(config.error().text == error);
    }
}

TEST_CASE("the error names the file") {
    const TemporaryFolder folder;
    std::ofstream(folder.path("lifeboat.conf")) << "level = 99\n";
    const auto config = read_config(folder.path("lifeboat.conf"));
    REQUIRE_FALSE(config);
    CHECK(config.error().text ==
          "'" + folder.path("lifeboat.conf") + "': line 1: level: '99' is not a number from 0 to 31");
}
