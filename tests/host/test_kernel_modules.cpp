// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/machine/driver_modules.h"
#include "host/machine/kernel_modules.h"
#include "tests/builders/fake_machine.h"
#include "tests/builders/module_builder.h"
#include "tests/error_text.h"

#include <filesystem>

#include <doctest/doctest.h>
#include <sys/sysmacros.h>

using namespace lifeboat::host;
using lifeboat::Result;
using lifeboat::tests::FakeMachine;

namespace tests = lifeboat::tests;

namespace {

constexpr const char* version = "6.1-test";

KernelModules open_modules(const FakeMachine& machine) {
    return KernelModules::open(machine.paths(), find_installed_kernel(machine.paths(), version).value())
        .value();
}

std::string order_of(const KernelModules& modules, std::initializer_list<const char*> names) {
    std::vector<ModuleToLoad> order;
    for (const char* name : names)
        if (const auto added = modules.add_in_load_order(name, order); !added)
            return added.error().text;
    std::string text;
    for (const ModuleToLoad& module : order)
        text += (text.empty() ? "" : " ") + module.name +
                (module.parameters.empty() ? "" : "(" + module.parameters + ")");
    return text;
}

std::string joined(const Result<std::vector<std::string>>& names) {
    if (!names)
        return names.error().text;
    std::string text;
    for (const std::string& name : *names)
        text += (text.empty() ? "" : " ") + name;
    return text;
}

} // namespace

TEST_CASE("modules come after what they need, each once, with what modprobe.d gives them") {
    const FakeMachine machine(tests::usual_machine);
    tests::install_kernel(machine.root(), version, tests::usual_modules);
    machine.write("etc/modprobe.d/local.conf", "options scsi_mod scan=sync\n"
                                               "options virtio_pci force_legacy=1\n"
                                               "install crc32c_generic /bin/false\n");
    machine.write("lib/modprobe.d/system.conf", "softdep sd_mod post: virtio_scsi\n");
    const KernelModules modules = open_modules(machine);
    CHECK(order_of(modules, {"virtio_pci"}) == "virtio_ring virtio virtio_pci(force_legacy=1)");
    CHECK(order_of(modules, {"virtio_scsi", "virtio_pci", "virtio_pci"}) ==
          "virtio scsi_mod(scan=sync) virtio_scsi virtio_ring virtio_pci(force_legacy=1)");
    CHECK(order_of(modules, {"sd_mod"}) == "scsi_mod(scan=sync) sd_mod virtio virtio_scsi");
    CHECK(order_of(modules, {"ext4"}) == "crc32c_generic ext4");
}

TEST_CASE("names and aliases") {
    const FakeMachine machine(tests::usual_machine);
    tests::install_kernel(machine.root(), version, tests::usual_modules);
    machine.write("etc/modprobe.d/local.conf", "blacklist shpchp\n");
    const KernelModules modules = open_modules(machine);
    using Names = std::vector<std::string>;
    CHECK(modules.look_up("virtio_pci").modules == Names{"virtio_pci"});
    CHECK(modules.look_up("fs-ext2").modules == Names{"ext4"});
    CHECK(modules.look_up("fs-xfs").modules == Names{});
    CHECK(modules.look_up("fs-xfs").built_in == Names{"xfs"});
    CHECK(modules.look_up("shpchp").modules == Names{"shpchp"});
    CHECK(modules.look_up_device("pci:v00001AF4d00001048").modules == Names{"virtio_pci"});
    CHECK_FALSE(modules.look_up_device("pci:v00001B36d0000000C").is_known());
    CHECK_FALSE(modules.look_up_device("").is_known());
    CHECK_FALSE(modules.look_up("fs-btrfs").is_known());
}

TEST_CASE("a module that is missing is named") {
    const FakeMachine machine(tests::usual_machine);
    tests::install_kernel(machine.root(), version, tests::usual_modules);
    const std::string path = machine.path("lib/modules/6.1-test/kernel/drivers/virtio/virtio.ko");
    std::filesystem::remove(path);
    const std::string lacks = "kernel 6.1-test lacks its module '" + path +
                              "': install its package again, or run 'depmod 6.1-test'";
    CHECK(order_of(open_modules(machine), {"virtio_pci"}) == lacks);
    CHECK(order_of(open_modules(machine), {"virtio"}) == lacks);
    CHECK(order_of(open_modules(machine), {"none"}) == "kernel 6.1-test lacks the file of module 'none': "
                                                       "install its package again, or run 'depmod 6.1-test'");
}

TEST_CASE("kernels that cannot be packed for") {
    const FakeMachine machine("");
    const auto error = [&](std::string_view name) {
        return tests::error_text(find_installed_kernel(machine.paths(), name));
    };
    CHECK(error("6.1-test") == "kernel 6.1-test has no modules '" + machine.path("lib/modules/6.1-test") +
                                   "': install its package; installed are none");
    CHECK(error("../x") == "'../x' is not a kernel version");
    tests::install_kernel(machine.root(), version, tests::usual_modules);
    CHECK(error("6.2") == "kernel 6.2 has no modules '" + machine.path("lib/modules/6.2") +
                              "': install its package; installed are 6.1-test");
    CHECK(find_installed_kernel(machine.paths(), version)->init_bytes == 50U << 20);
    machine.write("boot/vmlinuz-6.1-test", std::string(5000, 'x'));
    CHECK(error("6.1-test") == "'" + machine.path("boot/vmlinuz-6.1-test") + "' is not an x86 kernel image");
    std::filesystem::remove(machine.path("boot/vmlinuz-6.1-test"));
    CHECK(error("6.1-test") == "kernel 6.1-test has no image '" + machine.path("boot/vmlinuz-6.1-test") +
                                   "': install its package, or choose another kernel");
    std::filesystem::remove(machine.path("lib/modules/6.1-test/modules.dep.bin"));
    CHECK(error("6.1-test") == "kernel 6.1-test has no '" + machine.path("lib/modules/6.1-test") +
                                   "/modules.dep.bin': run 'depmod 6.1-test'");
}

TEST_CASE("the drivers of a chain, under the kernel it was seen under and under another") {
    const FakeMachine machine(tests::usual_machine);
    const DeviceChain chain = follow_device(machine.paths(), makedev(8, 1)).value();
    tests::install_kernel(machine.root(), version, tests::usual_modules);
    const KernelModules modules = open_modules(machine);
    for (const ChainSeenUnder seen : {ChainSeenUnder::this_kernel, ChainSeenUnder::another_kernel})
        CHECK(joined(modules_for_chain(chain, modules, seen)) == "virtio_pci virtio_scsi sd_mod");

    // What is built in here is a module there, under another name.
    DeviceChain built_in = chain;
    for (DriverStep& step : built_in.drivers)
        step.module.clear();
    CHECK(joined(modules_for_chain(built_in, modules, ChainSeenUnder::this_kernel)).empty());
    CHECK(joined(modules_for_chain(built_in, modules, ChainSeenUnder::another_kernel)) ==
          "virtio_pci virtio_scsi sd_mod");

    // A module of another name there.
    DeviceChain renamed = chain;
    renamed.drivers[3].module = "sd_old";
    CHECK(joined(modules_for_chain(renamed, modules, ChainSeenUnder::another_kernel)) ==
          "virtio_pci virtio_scsi sd_mod");

    DeviceChain unknown = chain;
    unknown.drivers[2] = {"virtio0", "virtio", "virtio_x", "virtio_x", "virtio:d00000099v00001AF4"};
    CHECK(joined(modules_for_chain(unknown, modules, ChainSeenUnder::another_kernel)) ==
          "kernel 6.1-test has no driver for virtio device 'virtio0' ('virtio_x' here, modalias "
          "'virtio:d00000099v00001AF4'): install the package with its further modules, or choose another "
          "kernel");
}

TEST_CASE("file systems") {
    const FakeMachine machine("");
    tests::install_kernel(machine.root(), version, tests::usual_modules);
    const KernelModules modules = open_modules(machine);
    CHECK(joined(modules_for_file_system("ext4", modules)) == "ext4");
    CHECK(joined(modules_for_file_system("xfs", modules)).empty());
    CHECK(joined(modules_for_file_system("btrfs", modules)) ==
          "kernel 6.1-test cannot mount btrfs: install the package with its further modules, or name another "
          "target");
}
