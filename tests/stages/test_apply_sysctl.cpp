// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/apply_sysctl.h"
#include "tests/fakes/recording_report.h"
#include "tests/fakes/temporary_system.h"

#include <doctest/doctest.h>

using namespace lifeboat;

namespace {

std::string settings_of(std::string_view text) {
    std::vector<SysctlSetting> settings;
    std::string shown;
    for (const std::string& complaint : parse_sysctl_file(text, "f", settings))
        shown += complaint + ";";
    for (const SysctlSetting& setting : settings)
        shown += std::format("{}{}{}{};", setting.ignore_failure ? "-" : "", setting.path,
                             setting.exclude_only ? "" : "=", setting.value);
    return shown;
}

} // namespace

TEST_CASE("lines of sysctl.conf and sysctl.d") {
    const struct {
        std::string_view text;
        std::string_view expected;
    } rows[] = {
        {"", ""},
        {"# a\n; b\n\n   # c", ""},
        {"kernel.panic=5", "kernel/panic=5;"},
        {"  kernel.panic =  5 \t\n", "kernel/panic=5;"},
        {"kernel/panic = 5", "kernel/panic=5;"},
        {"kernel.modprobe = /sbin/mod probe", "kernel/modprobe=/sbin/mod probe;"},
        {"kernel.core_pattern = |/x a=b", "kernel/core_pattern=|/x a=b;"},
        {"kernel.x =", "kernel/x=;"},
        {"net.ipv4.conf.enp3s0/200.forwarding=1", "net/ipv4/conf/enp3s0.200/forwarding=1;"},
        {"net/ipv4/conf/enp3s0.200/forwarding=1", "net/ipv4/conf/enp3s0.200/forwarding=1;"},
        {"-kernel.x = 1", "-kernel/x=1;"},
        {"- kernel.x = 1", "-kernel/x=1;"},
        {"-net.ipv4.conf.all.rp_filter", "-net/ipv4/conf/all/rp_filter;"},
        {"kernel.x", "'f' line 1: 'kernel.x' is not `key = value`, passing over it;"},
        {"\n= 5", "'f' line 2: '' is not a sysctl's name, passing over it;"},
        {"a/../../x = 5", "'f' line 1: 'a/../../x' is not a sysctl's name, passing over it;"},
        {"kernel.a=1\nkernel.b=2\nkernel/a=3", "kernel/b=2;kernel/a=3;"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.text);
        CHECK(settings_of(row.text) == row.expected);
    }
}

TEST_CASE("files come by name, the higher folder's where names are the same, sysctl.conf last") {
    const fakes::TemporarySystem system;
    for (const char* name :
         {"etc/sysctl.d/20-b.conf", "etc/sysctl.d/10-same.conf", "etc/sysctl.d/ignored",
          "run/sysctl.d/10-same.conf", "run/sysctl.d/30-same.conf", "usr/local/lib/sysctl.d/05-a.conf",
          "usr/lib/sysctl.d/30-same.conf", "usr/lib/sysctl.d/40-c.conf", "lib/sysctl.d/99-z.conf"})
        system.write(name, "");
    const std::vector<std::string> expected = {
        system.path("usr/local/lib/sysctl.d/05-a.conf"),
        system.path("etc/sysctl.d/10-same.conf"),
        system.path("etc/sysctl.d/20-b.conf"),
        system.path("run/sysctl.d/30-same.conf"),
        system.path("usr/lib/sysctl.d/40-c.conf"),
        system.path("lib/sysctl.d/99-z.conf"),
        system.path("etc/sysctl.conf"),
    };
    CHECK(list_sysctl_files(system.paths()) == expected);
}

TEST_CASE("a later file wins, and sysctl.conf over all") {
    const fakes::TemporarySystem system;
    system.write("proc/sys/kernel/panic", "");
    system.write("proc/sys/vm/x", "");
    system.write("etc/sysctl.d/90-late.conf", "kernel.panic = 90\nvm.x = 90\n");
    system.write("etc/sysctl.d/10-early.conf", "kernel.panic = 10\nvm.x = 10\n");
    system.write("etc/sysctl.conf", "vm.x = conf\n");
    fakes::RecordingReport report;
    const SysctlCounts counts = apply_sysctl(system.paths(), report);
    CHECK(counts.applied == 2);
    CHECK(system.read("proc/sys/kernel/panic") == "90\n");
    CHECK(system.read("proc/sys/vm/x") == "conf\n");
    CHECK(report.lines.empty());
}

TEST_CASE("globs set what has no line of its own") {
    const fakes::TemporarySystem system;
    for (const char* name : {"all", "default", "eth0", "hub0"})
        system.write(std::string("proc/sys/net/ipv4/conf/") + name + "/rp_filter", "old\n");
    system.write("etc/sysctl.d/20-rp.conf", "net.ipv4.conf.default.rp_filter = 3\n"
                                            "net.ipv4.conf.*.rp_filter = 2\n"
                                            "-net.ipv4.conf.all.rp_filter\n"
                                            "net.ipv4.conf.hub0.rp_filter = 1\n"
                                            "net.ipv4.nothing.* = 1\n");
    fakes::RecordingReport report;
    CHECK(apply_sysctl(system.paths(), report).applied == 3);
    CHECK(system.read("proc/sys/net/ipv4/conf/default/rp_filter") ==
          "3\nd\n"); // not cut: /proc has no length
    CHECK(system.read("proc/sys/net/ipv4/conf/eth0/rp_filter") == "2\nd\n");
    CHECK(system.read("proc/sys/net/ipv4/conf/hub0/rp_filter") == "1\nd\n");
    CHECK(system.read("proc/sys/net/ipv4/conf/all/rp_filter") == "old\n");
    CHECK(report.lines.empty());
}

TEST_CASE("a setting that fails is named, unless it begins with -") {
    const fakes::TemporarySystem system;
    system.write("etc/sysctl.conf", "kernel.absent = 1\n-kernel.other = 2\nnonsense\n");
    fakes::RecordingReport report;
    const SysctlCounts counts = apply_sysctl(system.paths(), report);
    CHECK(counts.applied == 0);
    CHECK(counts.failed == 1);
    const std::string file = system.path("etc/sysctl.conf");
    CHECK(report.lines ==
          std::vector<std::string>{"sysctl: '" + file +
                                       "' line 3: 'nonsense' is not `key = value`, passing over it",
                                   "sysctl: set 'kernel/absent' to '1' ('" + file +
                                       "' line 1): No such file or directory, passing over it"});
}
