// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/plan.h"
#include "stages/system_paths.h"
#include "tests/error_text.h"
#include "tests/fakes/temporary_system.h"

#include <doctest/doctest.h>

using namespace lifeboat;

TEST_CASE("a whole plan") {
    const Plan plan = Plan::parse("# the machine's plan\n"
                                  "target = UUID=6c69-66 /var/crash ext4 rw,sync\r\n"
                                  "target = /dev/vdb1 /\n"
                                  "\n"
                                  "module = /lib/modules/6.1/scsi_mod.ko scan=sync  max_luns=8\n"
                                  "  module=/lib/modules/6.1/sd_mod.ko\n"
                                  "level = 1\n"
                                  "compress = zstd:3\n"
                                  "threads = 4\n"
                                  "host = db-7\n"
                                  "action = poweroff\n"
                                  "coldplug = never\n"
                                  "prune = when-full\n"
                                  "deadline.modules = 1\n"
                                  "deadline.target = 2\n"
                                  "deadline.dmesg = 3\n"
                                  "deadline.vmcore = 4\n"
                                  "deadline.finish = 5\n"
                                  "deadline.total = 6\n"
                                  "deadline.stall = 7\n"
                                  "watchdog.timeout = 90");
    CHECK(plan.complaints == std::vector<std::string>{});
    REQUIRE(plan.targets.size() == 2);
    CHECK(plan.targets[0].source() == "UUID=6c69-66");
    CHECK(plan.targets[0].path == "/var/crash");
    CHECK(plan.targets[0].type == "ext4");
    CHECK(plan.targets[0].options == "rw,sync");
    CHECK(plan.targets[1].source() == "/dev/vdb1");
    CHECK(plan.targets[1].type == "auto");
    REQUIRE(plan.modules.size() == 2);
    CHECK(plan.modules[0].path == "/lib/modules/6.1/scsi_mod.ko");
    CHECK(plan.modules[0].parameters == "scan=sync  max_luns=8");
    CHECK(plan.modules[1].parameters.empty());
    CHECK(plan.level == 1);
    CHECK(plan.compression.level == 3);
    CHECK(plan.threads == 4);
    CHECK(plan.host == "db-7");
    CHECK(plan.action == Action::power_off);
    CHECK(plan.coldplug == Coldplug::never);
    CHECK(plan.prune == Prune::when_full);
    CHECK(plan.deadlines.modules_s == 1);
    CHECK(plan.deadlines.target_s == 2);
    CHECK(plan.deadlines.dmesg_s == 3);
    CHECK(plan.deadlines.vmcore_s == 4);
    CHECK(plan.deadlines.finish_s == 5);
    CHECK(plan.deadlines.total_s == 6);
    CHECK(plan.deadlines.stall_s == 7);
    CHECK(plan.watchdog_timeout_s == 90);
}

TEST_CASE("a plan that is written and read is the same plan") {
    Plan plan;
    plan.targets = {{TargetTag::uuid, "6c69-66", "/var/crash", "ext4", "rw,noatime"},
                    {TargetTag::label, "the \"old\" disk", "/", "auto", "rw"},
                    {TargetTag::part_label, "tab\tand\\040", "/a b/c", "xfs", "rw,nouuid"},
                    {TargetTag::part_uuid, "1-02", "/", "vfat", "rw"},
                    {TargetTag::device_path, "/dev/disk/by-path/a b", "/x", "auto", "rw"}};
    plan.modules = {{"/lib/modules/6.1/a.ko", ""}, {"/lib/modules/6.1/b.ko", "scan=sync x=\"a b\""}};
    plan.level = 17;
    plan.compression = {Compression::Method::zlib, 6};
    plan.threads = 3;
    plan.host = "db 7";
    plan.action = Action::power_off;
    plan.coldplug = Coldplug::never;
    plan.prune = Prune::when_full;
    plan.roots = {{TargetTag::uuid, "11-22", "/", "btrfs", "subvol=@"}};
    plan.rescue = Rescue::repair;
    plan.console = ConsoleAccess::open;
    plan.deadlines = {1, 2, 3, 4, 5, 6, 7};
    plan.watchdog_timeout_s = 0;

    const Plan read = Plan::parse(plan.text());
    CHECK(read.complaints == std::vector<std::string>{});
    REQUIRE(read.targets.size() == plan.targets.size());
    for (std::size_t i = 0; i < plan.targets.size(); ++i) {
        CAPTURE(plan.targets[i].text());
        CHECK(read.targets[i].tag == plan.targets[i].tag);
        CHECK(read.targets[i].name == plan.targets[i].name);
        CHECK(read.targets[i].path == plan.targets[i].path);
        CHECK(read.targets[i].type == plan.targets[i].type);
        CHECK(read.targets[i].options == plan.targets[i].options);
    }
    REQUIRE(read.modules.size() == 2);
    CHECK(read.modules[0].path == "/lib/modules/6.1/a.ko");
    CHECK(read.modules[1].parameters == "scan=sync x=\"a b\"");
    CHECK(read.deadlines.stall_s == 7);
    CHECK(read.watchdog_timeout_s == 0);
    REQUIRE(read.roots.size() == 1);
    CHECK(read.roots[0].text() == plan.roots[0].text());
    CHECK(read.rescue == Rescue::repair);
    CHECK(read.console == ConsoleAccess::open);
    CHECK(read.text() == plan.text());

    // A compression of each method, and the defaults of all else.
    for (const Compression compression :
         {Compression{Compression::Method::none, 1}, Compression{Compression::Method::zstd, -3}}) {
        Plan other;
        other.compression = compression;
        CHECK(Plan::parse(other.text()).text() == other.text());
    }
}

TEST_CASE("a host name of several lines does not become keys of its own") {
    Plan plan;
    plan.host = "a\nlevel = 0";
    const Plan read = Plan::parse(plan.text());
    CHECK(read.level == 31);
    CHECK(read.host == "a level = 0");
}

TEST_CASE("what cannot be used is named, with its line and what is done instead") {
    const struct {
        std::string text;
        std::string complaint;
    } rows[] = {
        {"level = 42", "plan line 1: level '42' is not a number from 0 to 31, using 31"},
        {"\n\nlevel = many", "plan line 3: level 'many' is not a number from 0 to 31, using 31"},
        {"level = 1\nlevel =", "plan line 2: level '' is not a number from 0 to 31, using 1"},
        {"deadline.vmcore = -1",
         "plan line 1: deadline.vmcore '-1' is not a number from 1 to 604800, using 3600"},
        {"deadline.lunch = 1", "plan line 1: key 'deadline.lunch' is not known, passing over it"},
        {"colour = blue", "plan line 1: key 'colour' is not known, passing over it"},
        {"= =", "plan line 1: key '' is not known, passing over it"},
        {"level", "plan line 1: 'level' is not `key = value`, passing over it"},
        {"\x01\x02\x7f", "plan line 1: '\\x01\\x02\\x7f' is not `key = value`, passing over it"},
        {"action = sleep", "plan line 1: action 'sleep' is not reboot, poweroff or halt, using reboot"},
        {"watchdog.timeout = 9", "plan line 1: watchdog.timeout '9' is neither 0 nor 10 to 3600, using 60"},
        {"watchdog.timeout = never",
         "plan line 1: watchdog.timeout 'never' is not a number from 0 to 3600, using 60"},
        {"prune = always", "plan line 1: prune 'always' is not never or when-full, using never"},
        {"rescue = please", "plan line 1: rescue 'please' is not boot, repair or shell, using boot"},
        {"console = ajar", "plan line 1: console 'ajar' is not locked or open, using locked"},
        {"root = UUID=x",
         "plan line 1: root 'UUID=x' is not `SOURCE PATH [TYPE] [OPTIONS] [size=BYTES]`, passing over it"},
        {"coldplug = yes", "plan line 1: coldplug 'yes' is not auto, always or never, using auto"},
        {"threads = 2000", "plan line 1: threads '2000' is not a number from 0 to 1024, using 0"},
        {"host =", "plan line 1: host no name given, using unknown"},
        {"module =", "plan line 1: module '' is not an absolute path, passing over it"},
        {"module = a.ko", "plan line 1: module 'a.ko' is not an absolute path, passing over it"},
        {"target = UUID=x",
         "plan line 1: target 'UUID=x' is not `SOURCE PATH [TYPE] [OPTIONS] [size=BYTES]`, passing over it"},
        {std::string(5000, 'x'), "plan line 1: longer than 4096 bytes, passing over it"},
    };
    for (const auto& row : rows) {
        const Plan plan = Plan::parse(row.text);
        CAPTURE(row.text);
        REQUIRE(plan.complaints.size() == 1);
        CHECK(plan.complaints[0] == row.complaint);
    }
}

TEST_CASE("a plan of binary garbage is a few complaints and the defaults") {
    std::string garbage;
    for (unsigned i = 0; i < 100'000; ++i)
        garbage += static_cast<char>(i * 2654435761U >> 24);
    const Plan plan = Plan::parse(garbage);
    CHECK(plan.complaints.size() <= 21);
    CHECK(plan.level == 31);
    CHECK(plan.targets.empty());
}

TEST_CASE("targets") {
    const struct {
        std::string_view text;
        std::string_view source;
        std::string_view path;
    } good[] = {
        {"UUID=AbC /x", "UUID=AbC", "/x"},
        {"LABEL=dump\\040disk /x", "LABEL=dump disk", "/x"},
        {"LABEL=\"dumps\" /x", "LABEL=dumps", "/x"},
        {"PARTUUID=1-02 /", "PARTUUID=1-02", "/"},
        {"PARTLABEL=p /a\\040b/c", "PARTLABEL=p", "/a b/c"},
        {"/dev/sda1 /x auto rw", "/dev/sda1", "/x"},
        {"/dev/disk/by-uuid/77 /x", "UUID=77", "/x"},
        {"/dev/disk/by-partlabel/a\\x20 /x", "PARTLABEL=a\\x20", "/x"},
        {"/dev/sda /\\08x", "/dev/sda", "/\\08x"},
        {"/dev/sda /x size=4096", "/dev/sda", "/x"},
    };
    for (const auto& row : good) {
        CAPTURE(row.text);
        const auto target = parse_target(row.text);
        REQUIRE(target.has_value());
        CHECK(target->source() == row.source);
        CHECK(target->path == row.path);
    }
    const struct {
        std::string_view text;
        std::string_view error;
    } bad[] = {
        {"", "'' is not `SOURCE PATH [TYPE] [OPTIONS] [size=BYTES]`"},
        {"a b c d e", "'a b c d e' is not `SOURCE PATH [TYPE] [OPTIONS] [size=BYTES]`"},
        {"sda1 /x", "source 'sda1' is not UUID=, LABEL=, PARTUUID=, PARTLABEL= or /dev/..."},
        {"UUID= /x", "source 'UUID=' is not UUID=, LABEL=, PARTUUID=, PARTLABEL= or /dev/..."},
        {"ID=x /x", "source 'ID=x' is not UUID=, LABEL=, PARTUUID=, PARTLABEL= or /dev/..."},
        {"/dev/ /x", "source '/dev/' is not UUID=, LABEL=, PARTUUID=, PARTLABEL= or /dev/..."},
        {"UUID=x crash", "path 'crash' is not absolute and without '..'"},
        {"UUID=x /a/../b", "path '/a/../b' is not absolute and without '..'"},
        {"UUID=x /a/..", "path '/a/..' is not absolute and without '..'"},
    };
    for (const auto& row : bad)
        CHECK(tests::error_text(parse_target(row.text)) == row.error);
}

TEST_CASE("all fields of a target, as they are written and read") {
    Target target = parse_target("UUID=x /a ext4 rw,context=\\134a\\040b size=1048576").value();
    CHECK(target.type == "ext4");
    CHECK(target.options == "rw,context=\\a b");
    CHECK(target.size_bytes == 1 << 20);
    CHECK(target.text() == "UUID=x /a ext4 rw,context=\\134a\\040b size=1048576");
    target.size_bytes = 0;
    CHECK(target.text() == "UUID=x /a ext4 rw,context=\\134a\\040b");
    CHECK(tests::error_text(parse_target("UUID=x /a size=1k")) ==
          "'1k' is not a number from 0 to 18446744073709551615");
}

TEST_CASE("the command line overrides the plan, and the first of a list's key the list") {
    Plan plan = Plan::parse("target = UUID=planned /a\nmodule = /planned.ko\nlevel = 1");
    plan.override_from(parse_kernel_command_line(
        "root=x lifeboat.target=\"UUID=one /b ext4\" lifeboat.target=\"UUID=two /c\" lifeboat.level=3"
        " lifeboat.lvl=1 lifeboat.deadline.total=9"));
    REQUIRE(plan.targets.size() == 2);
    CHECK(plan.targets[0].source() == "UUID=one");
    CHECK(plan.targets[1].source() == "UUID=two");
    CHECK(plan.modules.size() == 1);
    CHECK(plan.level == 3);
    CHECK(plan.deadlines.total_s == 9);
    CHECK(plan.complaints ==
          std::vector<std::string>{"kernel command line: key 'lvl' is not known, passing over it"});
}

TEST_CASE("a target on the command line that cannot be used does not cost the plan's") {
    Plan plan = Plan::parse("target = UUID=planned /a");
    plan.override_from(parse_kernel_command_line("lifeboat.target=UUID=one"));
    REQUIRE(plan.targets.size() == 1);
    CHECK(plan.targets[0].source() == "UUID=planned");
    CHECK(plan.complaints.size() == 1);
}

TEST_CASE("a plan that cannot be read is a complaint") {
    const fakes::TemporarySystem system;
    const Plan plan = read_plan(system.paths());
    REQUIRE(plan.complaints.size() == 2);
    CHECK(plan.complaints[0] ==
          "open '" + system.path("etc/lifeboat/plan") + "': No such file or directory, using defaults");
    CHECK(plan.complaints[1] ==
          "open '" + system.path("proc/cmdline") + "': No such file or directory, overriding nothing");
}

TEST_CASE("plan and command line are read from where they are") {
    const fakes::TemporarySystem system;
    system.write("etc/lifeboat/plan", "level = 1\nhost = a\n");
    system.write("proc/cmdline", "lifeboat.level=0\n");
    const Plan plan = read_plan(system.paths());
    CHECK(plan.complaints.empty());
    CHECK(plan.level == 0);
    CHECK(plan.host == "a");
}

TEST_CASE("of a rescue boot the command line says what to do, but not who may do it") {
    Plan plan = Plan::parse("root = UUID=11 / ext4 defaults\nconsole = locked\n");
    plan.override_from(
        parse_kernel_command_line("lifeboat.rescue=shell lifeboat.console=open \"lifeboat.root=UUID=22 /\""));
    CHECK(plan.rescue == Rescue::shell);
    CHECK(plan.console == ConsoleAccess::locked);
    REQUIRE(plan.roots.size() == 1);
    CHECK(plan.roots[0].source() == "UUID=11");
    CHECK(plan.complaints == std::vector<std::string>{
                                 "kernel command line: console is taken from the plan alone, passing over it",
                                 "kernel command line: root is taken from the plan alone, passing over it"});
}
