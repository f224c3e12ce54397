// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/crash_kernel/loading.h"
#include "host/way_back.h"
#include "tests/error_text.h"
#include "tests/fakes/fake_system.h"
#include "tests/fakes/temporary_system.h"

#include <cerrno>
#include <filesystem>

#include <doctest/doctest.h>

using namespace lifeboat;
using namespace lifeboat::host;
using lifeboat::tests::error_text;

namespace {

struct Machine {
    Machine() {
        fakes::reset();
        system.write("proc/cmdline", "BOOT_IMAGE=/vmlinuz root=/dev/sda1 console=ttyS0\n");
        system.write("proc/sys/kernel/osrelease", "6.1.0-10\n");
        system.write("sys/kernel/kexec_crash_loaded", "0\n");
        system.write("sys/kernel/kexec_crash_size", "134217728\n");
        std::filesystem::create_directories(system.path("run"));
        std::filesystem::create_directories(system.path("var/lib/lifeboat"));
    }
    void pack(const std::string& version) const {
        system.write("var/lib/lifeboat/initrd.img-" + version, "initrd");
        system.write("boot/vmlinuz-" + version, "kernel");
    }
    [[nodiscard]] std::string linked() const {
        return std::filesystem::read_symlink(system.path("var/lib/lifeboat/vmlinuz")).string();
    }
    [[nodiscard]] std::string image(const std::string& version) const {
        return system.path("boot/vmlinuz-" + version);
    }
    fakes::TemporarySystem system;
};

} // namespace

TEST_CASE("the running kernel's files are loaded, linked and noted") {
    const Machine machine;
    machine.pack("6.1.0-10");
    const auto loaded = load_ordered(machine.system.paths(), {}, {.text = "panic=5"});
    REQUIRE(error_text(loaded) == "no error");
    CHECK(loaded->version == "6.1.0-10");
    CHECK(loaded->failures.empty());
    CHECK(fakes::calls() ==
          std::vector{"kexec_file_load " + machine.image("6.1.0-10") + " " +
                      machine.system.path("var/lib/lifeboat/initrd.img-6.1.0-10") + " 0x2 'panic=5'"});
    CHECK(machine.linked() == "/boot/vmlinuz-6.1.0-10");
    const auto record = read_load_record(machine.system.paths());
    REQUIRE(record);
    REQUIRE(*record);
    CHECK((*record)->kernel == "6.1.0-10");
    CHECK((*record)->fact("command_line") == "panic=5");
    CHECK(changed_files(**record).empty());
    CHECK(error_text(forget_load_record(machine.system.paths())) == "no error");
    CHECK_FALSE(read_load_record(machine.system.paths())->has_value());
}

TEST_CASE("another packed kernel is the way back") {
    const Machine machine;
    for (const char* version : {"6.1.0-8", "6.1.0-9", "6.1.0-10"})
        machine.pack(version);
    fakes::fail_call("kexec_file_load " + machine.image("6.1.0-10"), EKEYREJECTED);
    const auto loaded = load_ordered(machine.system.paths(), {}, {.text = ""});
    REQUIRE(error_text(loaded) == "no error");
    CHECK(loaded->version == "6.1.0-9");
    REQUIRE(loaded->failures.size() == 1);
    CHECK(loaded->failures[0].starts_with("load kernel '" + machine.image("6.1.0-10") + "'"));
    CHECK(machine.linked() == "/boot/vmlinuz-6.1.0-9");
}

TEST_CASE("the way back is a failure only where one kernel was named") {
    const LoadedKernel ordered{.version = "6.1.0-10"};
    const LoadedKernel way_back{.version = "6.1.0-9", .failures = {"load kernel 6.1.0-10: Key was rejected"}};
    CHECK(report_way_back("load", ordered, Order::named) == exit_ok);
    CHECK(report_way_back("load", way_back, Order::any) == exit_ok);
    CHECK(report_way_back("load", way_back, Order::named) == exit_failed);
    CHECK_FALSE(LoadOrder{}.is_named());
    CHECK(LoadOrder{.version = "6.1.0-10"}.is_named());
    CHECK(LoadOrder{.files = CrashKernelFiles{"image", "initrd"}}.is_named());
}

TEST_CASE("a kernel that was never packed is a failure, and another the way back") {
    const Machine machine;
    machine.pack("6.1.0-9");
    const auto loaded = load_ordered(machine.system.paths(), {}, {.text = ""});
    REQUIRE(error_text(loaded) == "no error");
    CHECK(loaded->version == "6.1.0-9");
    CHECK(loaded->failures ==
          std::vector<std::string>{
              "kernel 6.1.0-10 has no crash initrd: `lifeboat pack --kernel 6.1.0-10` makes it"});
}

TEST_CASE("where files that were given cost the crash kernel that was loaded, a packed one is the way back") {
    const Machine machine;
    machine.pack("6.1.0-10");
    machine.system.write("sys/kernel/kexec_crash_loaded", "1\n");
    machine.system.write("other", "kernel");
    const LoadOrder order{
        .version = "", .files = CrashKernelFiles{machine.system.path("other"), machine.system.path("other")}};
    fakes::fail_call("kexec_file_load " + machine.system.path("other"), ENOEXEC);
    const auto loaded = load_ordered(machine.system.paths(), order, {.text = ""});
    REQUIRE(error_text(loaded) == "no error");
    CHECK(loaded->version == "6.1.0-10");
    CHECK(loaded->failures.size() == 1);
}

TEST_CASE("files that were given leave no links, and have no way back where nothing was loaded") {
    const Machine machine;
    machine.pack("6.1.0-10");
    const LoadOrder order{.version = "",
                          .files = CrashKernelFiles{machine.image("6.1.0-10"), machine.image("6.1.0-10")}};
    fakes::fail_call("kexec_file_load", ENOEXEC);
    CHECK_FALSE(load_ordered(machine.system.paths(), order, {.text = ""}));
    CHECK(fakes::calls().size() == 1);
    fakes::reset();
    REQUIRE(load_ordered(machine.system.paths(), order, {.text = ""}));
    CHECK_FALSE(machine.system.exists("var/lib/lifeboat/vmlinuz"));
    CHECK((*read_load_record(machine.system.paths()))->kernel == no_kernel_version);
}

TEST_CASE("what is so for every kernel is said once") {
    const Machine machine;
    machine.pack("6.1.0-9");
    machine.pack("6.1.0-10");
    fakes::fail_call("kexec_file_load", ENOSYS);
    CHECK(error_text(load_ordered(machine.system.paths(), {}, {.text = ""})).contains("CONFIG_KEXEC_FILE"));
    CHECK(fakes::calls().size() == 1);
    machine.system.write("sys/kernel/kexec_crash_size", "0\n");
    CHECK(error_text(load_ordered(machine.system.paths(), {}, {.text = ""})) ==
          "no memory is reserved for a crash kernel: boot with crashkernel=, `lifeboat estimate` says how "
          "much");
    CHECK(fakes::calls().size() == 1);
}

TEST_CASE("when nothing can be loaded all that was tried is told") {
    const Machine machine;
    machine.pack("6.1.0-9");
    fakes::fail_call("kexec_file_load", EBADMSG);
    const std::string error = error_text(load_ordered(machine.system.paths(), {}, {.text = ""}));
    CHECK(error.starts_with(
        "kernel 6.1.0-10 has no crash initrd: `lifeboat pack --kernel 6.1.0-10` makes it; then load "
        "kernel '"));
    CHECK(error.contains("Bad message"));
}

TEST_CASE("what would be loaded can be asked for") {
    const Machine machine;
    CHECK(error_text(find_ordered(machine.system.paths(), {})) ==
          "kernel 6.1.0-10 has no crash initrd: `lifeboat pack --kernel 6.1.0-10` makes it");
    machine.pack("6.1.0-10");
    CHECK(find_ordered(machine.system.paths(), {})->version == "6.1.0-10");
    CHECK(fakes::calls().empty());
}

TEST_CASE("the command line of a machine") {
    const Machine machine;
    machine.system.write("sys/devices/system/cpu/online", "0-7\n");
    machine.system.write("proc/cpuinfo", "processor\t: 0\ninitial apicid\t: 0\n");
    const auto line = crash_command_line(machine.system.paths(), 0, "last=1");
    REQUIRE(error_text(line) == "no error");
    CHECK(line->text.starts_with("console=ttyS0 reset_devices "));
    CHECK(line->text.contains(" nr_cpus=2 disable_cpu_apicid=0 "));
    CHECK(line->text.ends_with(" last=1"));
}
