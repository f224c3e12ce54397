// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/descriptor.h"
#include "base/text.h"
#include "host/archive/decompressed_file.h"
#include "host/archive/initrd_writer.h"
#include "host/machine/lock_folder.h"
#include "host/machine/manifest.h"
#include "stages/plan.h"
#include "tests/builders/fake_machine.h"
#include "tests/builders/module_builder.h"
#include "tests/builders/run_program.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>

#include <doctest/doctest.h>

using namespace lifeboat;
using tests::FakeMachine;
using tests::ProgramResult;
using namespace std::string_literals;

namespace {

constexpr const char* uuid_a = "61616161-6161-6161-6161-616161616161";
constexpr const char* modules_folder = "lib/modules/6.1-test/kernel";
const std::string init_content = "\177ELF and so on, an init of the test";

// The usual machine with its kernel, an init and the state folder's parent.
struct Machine : FakeMachine {
    explicit Machine(std::string_view text = tests::usual_machine)
        : FakeMachine(text) {
        tests::install_kernel(root(), "6.1-test", tests::usual_modules);
        write("usr/lib/lifeboat/init.img", init_content);
        std::filesystem::create_directories(path("var/lib"));
    }

    [[nodiscard]] ProgramResult pack(std::vector<std::string> arguments = {}) const {
        arguments.insert(arguments.begin(), {LIFEBOAT_PROGRAM, "pack", "--root", root()});
        return tests::run_program(arguments);
    }
    [[nodiscard]] std::string state(const std::string& name) const {
        return path("var/lib/lifeboat/" + name);
    }
    [[nodiscard]] std::string initrd() const { return state("initrd.img-6.1-test"); }
};

struct Entry {
    unsigned mode = 0;
    std::string content;
};

// Reads newc by its own rules. Source: Linux Documentation/driver-api/early-userspace/buffer-format.rst.
std::map<std::string, Entry> read_initrd(const std::string& path) {
    const std::string archive = host::read_decompressed(path).value();
    std::map<std::string, Entry> entries;
    const auto field = [&](std::size_t at, int index) {
        return parse_unsigned(
                   std::string_view(archive).substr(at + 6 + 8 * static_cast<std::size_t>(index), 8), 16)
            .value();
    };
    const auto padded = [](std::size_t bytes) { return (bytes + 3) / 4 * 4; };
    for (std::size_t at = 0; at + 110 <= archive.size();) {
        REQUIRE(archive.substr(at, 6) == "070701");
        const std::string name = archive.substr(at + 110, field(at, 11) - 1);
        const std::size_t content_at = padded(at + 110 + field(at, 11));
        if (name == "TRAILER!!!")
            break;
        entries[name] = {static_cast<unsigned>(field(at, 1)), archive.substr(content_at, field(at, 6))};
        at = padded(content_at + field(at, 6));
    }
    return entries;
}

std::string content_of(const std::string& path) {
    return read_file(path, 64 << 20).value();
}

// But for the lock, which stays.
std::vector<std::string> names_in(const std::string& folder) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        if (entry.path().filename() != host::lock_file_name)
            names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
}

// What pack printed behind the key.
std::string line_of(const ProgramResult& result, std::string_view key) {
    for (const std::string_view line : split_lines(result.out))
        if (line.starts_with(key))
            return std::string(line);
    return ""s;
}

} // namespace

TEST_CASE("the initrd has init, the plan, its modules and nothing to look for more with") {
    const Machine machine;
    const ProgramResult result = machine.pack();
    CHECK(result.err == "");
    REQUIRE(result.exit_code == 0);
    const auto entries = read_initrd(machine.initrd());
    std::vector<std::string> names;
    for (const auto& [name, entry] : entries)
        names.push_back(name);
    const std::string modules = modules_folder;
    CHECK(names == std::vector<std::string>{"dev",
                                            "dev/console",
                                            "etc",
                                            "etc/lifeboat",
                                            "etc/lifeboat/plan",
                                            "etc/sysctl.d",
                                            "etc/sysctl.d/10-lifeboat.conf",
                                            "init",
                                            "lib",
                                            "lib/modules",
                                            "lib/modules/6.1-test",
                                            modules,
                                            modules + "/crypto",
                                            modules + "/crypto/crc32c_generic.ko",
                                            modules + "/drivers",
                                            modules + "/drivers/scsi",
                                            modules + "/drivers/scsi/scsi_mod.ko",
                                            modules + "/drivers/scsi/sd_mod.ko",
                                            modules + "/drivers/scsi/virtio_scsi.ko",
                                            modules + "/drivers/virtio",
                                            modules + "/drivers/virtio/virtio.ko",
                                            modules + "/drivers/virtio/virtio_pci.ko",
                                            modules + "/drivers/virtio/virtio_ring.ko",
                                            modules + "/fs",
                                            modules + "/fs/ext4",
                                            modules + "/fs/ext4/ext4.ko",
                                            "proc",
                                            "sys",
                                            "target",
                                            "tmp"});
    CHECK(entries.at("init").content == init_content);
    CHECK(entries.at("init").mode == 0100755);
    CHECK(entries.at("dev/console").mode == 0020600);
    CHECK(entries.at(modules + "/fs/ext4/ext4.ko").content.starts_with("\177ELF"));
    CHECK_FALSE(entries.at(modules + "/fs/ext4/ext4.ko").content.contains("BBBBBBBB")); // slim
    CHECK(entries.at("etc/sysctl.d/10-lifeboat.conf").content.contains("\nkernel.panic = 10\n"));
    CHECK(entries.at("etc/lifeboat/plan").content == content_of(machine.state("plan-6.1-test")));
}

TEST_CASE("an init that is packed already comes first, as it is") {
    const Machine machine;
    host::InitrdWriter of_init;
    of_init.add_file("init", init_content, 0755);
    const std::string path = machine.path("usr/lib/lifeboat/init.img");
    REQUIRE(of_init.write(path, host::Packing::smallest));
    const std::string front = content_of(path);
    const ProgramResult packed = machine.pack();
    CHECK(packed.err == "");
    REQUIRE(packed.exit_code == 0);
    CHECK(content_of(machine.initrd()).starts_with(front));

    const auto lifeboat = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), LIFEBOAT_PROGRAM);
        return tests::run_program(arguments).out;
    };
    CHECK(lifeboat({"cat", machine.initrd(), "init"}) == init_content);
    CHECK(lifeboat({"cat", machine.initrd(), "etc/lifeboat/plan"}) ==
          content_of(machine.state("plan-6.1-test")));
    const std::string list = lifeboat({"ls", "-l", machine.initrd()});
    CHECK(list.contains(std::format("archive 1: zstd, bytes 0 to {}, ", front.size())));
    CHECK(list.contains(
        std::format("archive 2: zstd, bytes {} to {}, ", front.size(), content_of(machine.initrd()).size())));

    // What it says of sizes is of both.
    machine.write("init", init_content);
    const ProgramResult whole =
        machine.pack({"--init", machine.path("init"), "--output", machine.path("out")});
    CHECK(line_of(whole, "memory").contains("initrd unpacked "));
    const auto unpacked_of = [](const std::string& memory) {
        return memory.substr(memory.find("initrd unpacked "), 24);
    };
    CHECK(unpacked_of(line_of(packed, "memory")) == unpacked_of(line_of(whole, "memory")));
    CHECK(line_of(packed, "initrd")
              .starts_with(std::format("initrd    {} bytes packed, ", content_of(machine.initrd()).size())));
}

TEST_CASE("an init that is packed wrongly is refused") {
    const Machine machine;
    host::InitrdWriter other;
    other.add_file("sbin/init", init_content, 0755);
    REQUIRE(other.write(machine.path("other"), host::Packing::smallest));
    other.add_file("init", init_content, 0755);
    REQUIRE(other.write(machine.path("damaged"), host::Packing::smallest));
    const std::string whole = content_of(machine.path("damaged"));
    machine.write("damaged", whole + "no archive");

    const ProgramResult lacking = machine.pack({"--init", machine.path("other")});
    CHECK(lacking.exit_code == 1);
    CHECK(lacking.err ==
          "lifeboat pack: '" + machine.path("other") + "' is not a program: name lifeboat's with --init\n");
    const ProgramResult damaged = machine.pack({"--init", machine.path("damaged")});
    CHECK(damaged.exit_code == 1);
    CHECK(damaged.err.starts_with("lifeboat pack: '" + machine.path("damaged") + "', which has init: "));
    machine.write("damaged", whole.substr(0, whole.size() - 9));
    CHECK(machine.pack({"--init", machine.path("damaged")}).exit_code == 1);
    CHECK_FALSE(std::filesystem::exists(machine.initrd()));
}

TEST_CASE("beside the initrd there is what tells of it") {
    const Machine machine;
    REQUIRE(machine.pack().exit_code == 0);
    CHECK(std::filesystem::read_symlink(machine.state("vmlinuz-6.1-test")) == "/boot/vmlinuz-6.1-test");
    const auto manifest = host::read_manifest(machine.state("manifest-6.1-test"));
    REQUIRE(manifest.has_value());
    CHECK(manifest->kernel == "6.1-test");
    std::map<std::string, std::size_t> files;
    for (const host::ManifestFile& file : manifest->files)
        ++files[file.role + (file.is_there ? "" : " absent")];
    CHECK(files == std::map<std::string, std::size_t>{
                       {"config absent", 1}, {"init", 1}, {"kernel", 1}, {"module", 8}});
    CHECK(host::changed_files(*manifest).empty());
}

TEST_CASE("the plan is what the machine needs") {
    const Machine machine;
    machine.write("etc/lifeboat.conf",
                  "level = 17\ncompress = zlib:6\naction = poweroff\nmodule = shpchp debug=1\n"
                  "target = /srv/dumps\ntarget = /dev/sda2 /x ext4\n");
    REQUIRE(machine.pack().exit_code == 0);
    const Plan plan = Plan::parse(content_of(machine.state("plan-6.1-test")));
    CHECK(plan.complaints.empty());
    REQUIRE(plan.targets.size() == 2);
    CHECK(plan.targets[0].text() ==
          std::string("UUID=") + uuid_a + " /srv/dumps ext4 rw,noatime size=1048576");
    CHECK(plan.targets[1].path == "/x");
    CHECK(plan.level == 17);
    CHECK(plan.compression.method == Compression::Method::zlib);
    CHECK(plan.action == Action::power_off);
    CHECK(plan.coldplug == Coldplug::never);
    CHECK(plan.host == "db-7");
    std::string modules;
    for (const PlannedModule& module : plan.modules) {
        CHECK(module.path.starts_with("/lib/modules/6.1-test/kernel/"));
        modules += module.path.substr(module.path.rfind('/') + 1) + " " + module.parameters + ",";
    }
    CHECK(modules ==
          "shpchp.ko debug=1,virtio_ring.ko ,virtio.ko ,virtio_pci.ko ,scsi_mod.ko ,virtio_scsi.ko "
          ",sd_mod.ko ,crc32c_generic.ko ,ext4.ko ,");
}

TEST_CASE("it says what it decided") {
    const Machine machine;
    const ProgramResult result = machine.pack();
    const auto lines = split_lines(result.out);
    REQUIRE(lines.size() == 8);
    CHECK(lines[0] == "kernel    6.1-test");
    CHECK(lines[1] == std::string("target    UUID=") + uuid_a + " /var/crash ext4 rw,noatime");
    CHECK(lines[2] ==
          "device    sda1 on sda, sd (0:0:0:0), virtio_scsi (virtio0), virtio-pci (0000:01:00.0), "
          "pcieport (0000:00:1c.0)");
    CHECK(lines[3].starts_with("modules   8: virtio_ring "));
    CHECK(lines[4].starts_with("watchdog  none that kernel 6.1-test has a driver for: "));
    CHECK(lines[5].starts_with(
        std::format("initrd    {} bytes packed, ", content_of(machine.initrd()).size())));
    CHECK(lines[6].starts_with("memory    kernel image 50.0 MiB + "));
    CHECK(lines[6].ends_with(" needed, 128.0 MiB reserved"));
    CHECK(lines[7] == "written   " + machine.initrd());
}

TEST_CASE("the same machine makes the same bytes") {
    const Machine machine;
    const Machine other;
    REQUIRE(machine.pack({"--output", machine.path("one")}).exit_code == 0);
    REQUIRE(machine.pack({"--output=" + machine.path("two")}).exit_code == 0);
    REQUIRE(other.pack({"--output", other.path("three")}).exit_code == 0);
    CHECK(content_of(machine.path("one")) == content_of(machine.path("two")));
    CHECK(content_of(machine.path("one")) == content_of(other.path("three")));
    CHECK_FALSE(std::filesystem::exists(machine.path("var/lib/lifeboat")));
}

TEST_CASE("firmware that a module may ask for comes with it, decompressed") {
    const Machine machine;
    tests::install_kernel(machine.root(), "6.2-test",
                          "module kernel/a.ko alias=virtio:d00000008v* firmware=a/one.bin firmware=two.bin\n"
                          "module kernel/b.ko alias=pci:v00001AF4d*\nmodule kernel/sd_mod.ko\n"
                          "builtin kernel/ext4.ko alias=fs-ext4\n");
    machine.write("lib/firmware/a/one.bin", "first");
    const ProgramResult result = machine.pack({"--kernel", "6.2-test", "--output", machine.path("out")});
    CHECK(result.err == "");
    REQUIRE(result.exit_code == 0);
    CHECK(result.out.contains("\nfirmware  1: a/one.bin 1 KiB\n"));
    const auto entries = read_initrd(machine.path("out"));
    CHECK(entries.at("lib/firmware/a/one.bin").content == "first");
    CHECK_FALSE(entries.contains("lib/firmware/two.bin"));
    CHECK(entries.contains(
        "lib/modules/6.2-test/kernel/a.ko")); // by the modalias: the name is another one there
}

TEST_CASE("modules keep their signatures where the kernel asks for them") {
    const Machine machine;
    const std::string path = std::string(modules_folder) + "/drivers/scsi/sd_mod.ko";
    const std::string content = tests::build_signed_module({.path = "kernel/drivers/scsi/sd_mod.ko"});
    machine.write(path, content);
    REQUIRE(machine.pack().exit_code == 0);
    CHECK(read_initrd(machine.initrd()).at(path).content.size() < content.size());
    machine.write("sys/module/module/parameters/sig_enforce", "Y\n");
    REQUIRE(machine.pack().exit_code == 0);
    CHECK(read_initrd(machine.initrd()).at(path).content == content);
}

TEST_CASE("without a reservation it packs and says what to boot with") {
    const Machine machine;
    machine.write("sys/kernel/kexec_crash_size", "0\n");
    const ProgramResult result = machine.pack();
    CHECK(result.exit_code == 0);
    CHECK(result.err ==
          "lifeboat pack: no memory is reserved for a crash kernel, packing all the same: boot with "
          "crashkernel=128M\n");
    CHECK(std::filesystem::exists(machine.initrd()));
}

TEST_CASE("a plan that does not fit the reservation is refused with the sum") {
    const Machine machine;
    machine.write("sys/kernel/kexec_crash_size", std::to_string(48U << 20) + "\n");
    const ProgramResult result = machine.pack();
    CHECK(result.exit_code == 1);
    CHECK(result.err.starts_with(
        "lifeboat pack: the plan does not fit into the 48.0 MiB that are reserved: kernel "
        "image 50.0 MiB + kernel while it boots (an estimate: it was not measured) "));
    CHECK(result.err.ends_with(" MiB; boot with crashkernel=128M\n"));
    CHECK(names_in(machine.path("var/lib/lifeboat")).empty());
}

TEST_CASE("memory that is lent is told, and counts") {
    const Machine machine;
    machine.write("sys/kernel/kexec_crash_size", std::to_string(64U << 20) + "\n");
    machine.write("sys/kernel/kexec/crash_cma_ranges", "08000000-0fffffff\n");
    const ProgramResult result = machine.pack();
    CHECK(result.exit_code == 0);
    CHECK(result.out.contains("\nlent      128 MiB of the crash kernel's memory are lent to user space"));
}

TEST_CASE("what a kernel takes that nobody measured is said to be an estimate") {
    const Machine machine;
    CHECK(line_of(machine.pack(), "memory")
              .contains(" + kernel while it boots (an estimate: it was not measured) "));
}

TEST_CASE("a pack that fails leaves the initrd that is there") {
    Machine machine;
    REQUIRE(machine.pack().exit_code == 0);
    const std::string before = content_of(machine.initrd());
    const auto names = names_in(machine.path("var/lib/lifeboat"));
    CHECK(names == std::vector<std::string>{"initrd.img-6.1-test", "manifest-6.1-test", "plan-6.1-test",
                                            "vmlinuz-6.1-test"});

    const std::string module = machine.path(std::string(modules_folder) + "/drivers/scsi/sd_mod.ko");
    const std::string in_root = machine.root();
    const struct {
        std::vector<std::string> arguments;
        std::function<void()> spoil, mend;
        std::string error;
    } rows[] = {
        {{},
         [&] { std::filesystem::rename(module, module + ".away"); },
         [&] { std::filesystem::rename(module + ".away", module); },
         "target '/var/crash': kernel 6.1-test lacks its module '" + module +
             "': install its package again, or run 'depmod 6.1-test'"},
        {{},
         [&] { machine.write("etc/lifeboat.conf", "target = /tmp/x\n"); },
         [&] { std::filesystem::remove(machine.path("etc/lifeboat.conf")); },
         "target '/tmp/x': it is on tmpfs ('/tmp'), which is in memory and gone after the crash: name a "
         "folder on a "
         "disk"},
        {{},
         [&] { machine.write("etc/lifeboat.conf", "module = none\n"); },
         [&] { std::filesystem::remove(machine.path("etc/lifeboat.conf")); },
         "kernel 6.1-test has no module 'none', which the configuration names: correct or remove its line"},
        {{},
         [&] { machine.write("etc/lifeboat.conf", "level = 77\n"); },
         [&] { std::filesystem::remove(machine.path("etc/lifeboat.conf")); },
         "'" + in_root + "/etc/lifeboat.conf': line 1: level: '77' is not a number from 0 to 31"},
        {{"--init", in_root + "/none"},
         [] {},
         [] {},
         "open '" + in_root +
             "/none': No such file or directory: without it there is no initrd, name one with --init"},
        {{"--init", in_root + "/etc/text"},
         [&] { machine.write("etc/text", "#!/bin/sh\n"); },
         [] {},
         "'" + in_root + "/etc/text' is not a program: name lifeboat's with --init"},
        {{"--kernel", "9.9"},
         [] {},
         [] {},
         "kernel 9.9 has no modules '" + in_root +
             "/lib/modules/9.9': install its package; installed are 6.1-test"},
        {{},
         [&] { machine.write("sys/kernel/kexec_crash_size", "1000\n"); },
         [&] { machine.write("sys/kernel/kexec_crash_size", "134217728\n"); },
         "the plan does not fit into the 0.0 MiB that are reserved: "},
    };
    for (const auto& row : rows) {
        CAPTURE(row.error);
        row.spoil();
        const ProgramResult result = machine.pack(row.arguments);
        row.mend();
        CHECK(result.exit_code == 1);
        CHECK(result.err.substr(0, row.error.size() + 15) == "lifeboat pack: " + row.error);
        CHECK(content_of(machine.initrd()) == before);
        CHECK(names_in(machine.path("var/lib/lifeboat")) == names);
    }
    CHECK(machine.pack().exit_code == 0);
}

TEST_CASE("a folder that cannot be written to") {
    const Machine machine;
    const ProgramResult result = machine.pack({"--output", machine.path("none/initrd")});
    CHECK(result.exit_code == 1);
    CHECK(result.err == "lifeboat pack: open '" + machine.path("none") + "': No such file or directory\n");
}

namespace {

ProgramResult pack_rescue(const Machine& machine, std::vector<std::string> arguments = {}) {
    machine.write("usr/sbin/lifeboat", "\177ELF and so on, a host command of the test");
    arguments.insert(arguments.begin(), {"--rescue", "--command", machine.path("usr/sbin/lifeboat")});
    return machine.pack(arguments);
}

constexpr const char* rescue_image = "boot/lifeboat/rescue/initrd.img-6.1-test";

} // namespace

TEST_CASE("the rescue image has what finds root, an index of just that, and the host command") {
    const Machine machine;
    const ProgramResult result = pack_rescue(machine);
    CHECK(result.err == "");
    REQUIRE(result.exit_code == 0);
    CHECK(result.out.contains("root      UUID="s + uuid_a + " / ext4 defaults\n"));
    CHECK(result.out.contains("\nmodules   8\n")); // all but shpchp, which no disk hangs on
    const auto entries = read_initrd(machine.path(rescue_image));
    const std::string modules = modules_folder;
    for (const std::string& name :
         {"init"s, "bin/lifeboat"s, "run"s, "target"s, "dev/console"s, modules + "/fs/ext4/ext4.ko",
          modules + "/drivers/scsi/sd_mod.ko", modules + "/crypto/crc32c_generic.ko",
          "lib/modules/6.1-test/modules.alias.bin"s, "lib/modules/6.1-test/modules.builtin.bin"s}) {
        CAPTURE(name);
        CHECK(entries.contains(name));
    }
    CHECK_FALSE(entries.contains(modules + "/drivers/pci/shpchp.ko"));
    CHECK_FALSE(entries.contains("etc/sysctl.d/10-lifeboat.conf")); // it would outlive the boot
    const std::string& index = entries.at("lib/modules/6.1-test/modules.dep.bin").content;
    CHECK(index.contains("virtio_scsi.ko"));
    CHECK_FALSE(index.contains("shpchp"));
    const Plan plan = Plan::parse(entries.at("etc/lifeboat/plan").content);
    REQUIRE(plan.roots.size() == 1);
    CHECK(plan.roots[0].source() == "UUID="s + uuid_a);
    CHECK(plan.coldplug == Coldplug::always);
    CHECK(plan.console == ConsoleAccess::locked);
    // The crash kernel's are not touched.
    CHECK_FALSE(std::filesystem::exists(machine.initrd()));
}

TEST_CASE(
    "two rescue images of the same inputs are the same bytes, and the console opens when it is asked for") {
    const Machine machine;
    REQUIRE(pack_rescue(machine).exit_code == 0);
    REQUIRE(pack_rescue(machine, {"--output", machine.path("again")}).exit_code == 0);
    CHECK(content_of(machine.path(rescue_image)) == content_of(machine.path("again")));
    REQUIRE(pack_rescue(machine, {"--output", machine.path("open"), "--open-console"}).exit_code == 0);
    const auto entries = read_initrd(machine.path("open"));
    CHECK(Plan::parse(entries.at("etc/lifeboat/plan").content).console == ConsoleAccess::open);
}

TEST_CASE("a rescue image that would not reach root is refused, and the one before stays") {
    const Machine machine;
    REQUIRE(pack_rescue(machine).exit_code == 0);
    const std::string before = content_of(machine.path(rescue_image));
    std::filesystem::remove(machine.path(std::string(modules_folder) + "/drivers/scsi/virtio_scsi.ko"));
    const ProgramResult lacking = pack_rescue(machine);
    CHECK(lacking.exit_code == 1);
    CHECK(lacking.err.contains("virtio_scsi"));
    CHECK(content_of(machine.path(rescue_image)) == before);
    CHECK(names_in(machine.path("boot/lifeboat/rescue")) == std::vector<std::string>{"initrd.img-6.1-test"});

    const Machine elsewhere("mount 22 1 0:40 / / rw - nfs4 server:/root rw\n");
    const ProgramResult network = pack_rescue(elsewhere);
    CHECK(network.exit_code == 1);
    CHECK(network.err.contains("the root file system"));
    CHECK_FALSE(std::filesystem::exists(elsewhere.path(rescue_image)));
}
