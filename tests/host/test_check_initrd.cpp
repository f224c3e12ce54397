// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/fallback/check_initrd.h"
#include "host/fallback/root_modules.h"
#include "host/machine/kernel_modules.h"
#include "tests/builders/fake_machine.h"
#include "tests/builders/module_builder.h"
#include "tests/builders/newc_builder.h"
#include "tests/builders/packed.h"
#include "tests/error_text.h"
#include "tests/host/good_machine.h"

#include <functional>

#include <doctest/doctest.h>

using namespace lifeboat;
using namespace lifeboat::host;
using tests::FakeMachine;
using tests::NewcRecord;

namespace {

constexpr const char* initrd = "boot/initrd.img-6.1-test";
const std::string needed_text = "virtio, virtio_ring, virtio_pci, scsi_mod, virtio_scsi, sd_mod, ext4";

// As a program that makes initrds would: the modules at their places, some packed, /lib being a link.
std::vector<NewcRecord> whole_tree() {
    std::vector<NewcRecord> records = {{"usr", 040755},
                                       {"lib", 0120777, "usr/lib"},
                                       {"init", 0120777, "usr/lib/systemd/systemd"},
                                       {"usr/lib/systemd/systemd", 0100755, "program"}};
    for (const std::string name :
         {"drivers/virtio/virtio_ring.ko", "drivers/virtio/virtio.ko.xz", "drivers/virtio/virtio_pci.ko",
          "drivers/scsi/scsi_mod.ko", "drivers/scsi/virtio-scsi.ko", "drivers/scsi/sd_mod.ko",
          "fs/ext4/ext4.ko.zst"})
        records.push_back({"usr/lib/modules/6.1-test/kernel/" + name, 0100644, "module"});
    return records;
}

void remove_entry(std::vector<NewcRecord>& records, const std::string& part) {
    std::erase_if(records, [&](const NewcRecord& record) { return record.name.contains(part); });
}

struct Machine : FakeMachine {
    Machine()
        : FakeMachine(tests::usual_machine) {
        tests::install_kernel(root(), "6.1-test", tests::usual_modules);
        // The root file system is mounted where this machine's files are.
        write("proc/self/mountinfo",
              "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n25 22 8:1 / " + root() + " rw - ext4 /dev/sda1 rw\n");
        write(initrd, tests::newc(whole_tree()));
    }

    [[nodiscard]] std::string verdict() const {
        const InitrdVerdict verdict = check_installed_initrd(paths(), "6.1-test");
        std::string text = verdict.is_whole() ? "whole" : "broken";
        for (const std::string& reason : verdict.reasons)
            text += ": " + reason;
        return text + (verdict.not_checked.empty() ? "" : " (" + verdict.not_checked + ")");
    }
};

} // namespace

TEST_CASE("the modules by which root is reached") {
    const Machine machine;
    const auto modules = modules_for_root(machine.paths(), "6.1-test");
    REQUIRE(tests::error_text(modules) == "no error");
    std::string text;
    for (const std::string& name : *modules)
        text += (text.empty() ? "" : ", ") + name;
    CHECK(text == needed_text);

    CHECK(tests::error_text(modules_for_root(machine.paths(), "6.9")) ==
          "kernel 6.9 has no modules in '" + machine.root() + "/lib/modules'");
    machine.write("proc/self/mountinfo", "22 1 0:40 / / rw - overlay overlay rw\n");
    CHECK(tests::error_text(modules_for_root(machine.paths(), "6.1-test")) ==
          "the root file system is overlay ('overlay'), which is on no block device");
}

TEST_CASE("a root file system on a volume is followed to the disks below") {
    Machine machine;
    machine.write("sys/devices/virtual/block/dm-0/dev", "253:0\n");
    machine.write("sys/devices/virtual/block/dm-0/dm/uuid", "CRYPT-LUKS2-1-x\n");
    machine.link("sys/dev/block/253:0", "sys/devices/virtual/block/dm-0");
    machine.link("sys/devices/virtual/block/dm-0/slaves/sda2", "sys/class/block/sda2");
    machine.write("proc/self/mountinfo", "22 1 253:0 / / rw - xfs /dev/mapper/root rw\n");
    std::filesystem::remove_all(machine.path("lib/modules"));
    tests::install_kernel(machine.root(), "6.1-test",
                          std::string(tests::usual_modules) +
                              "module kernel/drivers/md/dm-mod.ko exports=dm_register\n"
                              "module kernel/drivers/md/dm-crypt.ko needs=dm_register\n");
    const auto modules = modules_for_root(machine.paths(), "6.1-test");
    REQUIRE(tests::error_text(modules) == "no error");
    CHECK(*modules == std::vector<std::string>{"dm_mod", "dm_crypt", "virtio", "virtio_ring", "virtio_pci",
                                               "scsi_mod", "virtio_scsi", "sd_mod"});
}

TEST_CASE("module names of files") {
    CHECK(module_name_of_file("lib/modules/6.1/kernel/a/virtio-scsi.ko.xz") == "virtio_scsi");
    CHECK(module_name_of_file("ext4.ko") == "ext4");
    CHECK(module_name_of_file("lib/modules/6.1/modules.dep") == "");
    CHECK(module_name_of_file("a.ko.bz2") == "");
}

TEST_CASE("whether an initrd would boot") {
    const auto packed = [](const std::vector<NewcRecord>& records) {
        return tests::output_of("zstd -q", tests::newc(records));
    };
    const auto without = [](const std::string& part) {
        auto records = whole_tree();
        remove_entry(records, part);
        return records;
    };
    const std::string path = "PATH";
    const struct {
        std::function<std::string()> content;
        std::string said;
    } rows[] = {
        {[&] { return tests::newc(whole_tree()); }, "whole"},
        {[&] { return packed(whole_tree()); }, "whole"},
        // Early microcode before it.
        {[&] { return tests::newc({{"kernel", 040755}}) + packed(whole_tree()); }, "whole"},
        {[&] { return std::string(); }, "broken: "},
        {[&] { return packed(whole_tree()).substr(0, 150); }, "broken: "},
        {[&] { return tests::newc(whole_tree()).substr(0, 700); }, "broken: "},
        {[&] { return std::string(4096, '\0'); }, "broken: "},
        // All of the archive that counts is gone.
        {[&] { return tests::newc({{"kernel", 040755}}); },
         "broken: it has no init: nothing of that name is there: it has no modules of kernel 6.1-test"},
        {[&] { return tests::newc(without("init")); },
         "broken: it has no init: nothing of that name is there"},
        {[&] { return tests::newc(without("systemd/systemd")); },
         "broken: it has no init: nothing of that name is there"},
        {[&] { return tests::newc(without("modules")); }, "broken: it has no modules of kernel 6.1-test"},
        {[&] { return tests::newc(without("virtio-scsi")); },
         "broken: it lacks what the root file system needs: virtio_scsi"},
        {[&] { return tests::newc(without("scsi_mod")); },
         "broken: it lacks what the root file system needs: scsi_mod"},
        {[&] { return tests::newc(without("ext4.ko")); },
         "broken: it lacks what the root file system needs: ext4"},
        // Of another kernel.
        {[&] {
             auto records = whole_tree();
             for (NewcRecord& record : records)
                 if (const std::size_t at = record.name.find("6.1-test"); at != std::string::npos)
                     record.name.replace(at, 8, "6.2-test");
             return tests::newc(records);
         },
         "broken: it has no modules of kernel 6.1-test"},
    };
    for (const auto& row : rows) {
        const Machine machine;
        machine.write(initrd, row.content());
        const std::string verdict = machine.verdict();
        if (row.said.ends_with(": "))
            CHECK(verdict.starts_with(row.said));
        else
            CHECK(verdict == row.said);
    }
}

TEST_CASE("what is built into a kernel need not be in its initrd") {
    const Machine machine;
    tests::install_kernel(
        machine.root(), "6.1-test",
        "builtin kernel/virtio_pci.ko\nbuiltin kernel/virtio_scsi.ko\nbuiltin kernel/sd_mod.ko\n"
        "builtin kernel/fs/ext4/ext4.ko alias=fs-ext4\n");
    machine.write(initrd, tests::newc({{"init", 0100755, "program"}}));
    CHECK(machine.verdict() == "whole");
}

TEST_CASE("what cannot be checked is told and is no fault") {
    const Machine machine;
    std::filesystem::remove_all(machine.path("lib/modules"));
    machine.write(initrd, tests::newc({{"init", 0100755, "program"}}));
    CHECK(machine.verdict() ==
          "whole (its modules, for '" + machine.root() + "/lib/modules/6.1-test' is not there)");

    const Machine on_network;
    on_network.write("proc/self/mountinfo", "22 1 0:40 / / rw - nfs 10.0.0.1:/x rw\n");
    CHECK(on_network.verdict() == "whole (which modules the root file system needs: the root file system is "
                                  "nfs ('10.0.0.1:/x'), which is on no block device)");
}

TEST_CASE("every installed kernel's initrd is looked at, the newest first") {
    const tests::GoodMachine machine;
    machine.write("boot/vmlinuz-6.10", "kernel");
    machine.write("boot/initramfs-6.10.img", "");
    machine.write("boot/vmlinuz-6.9", "kernel");
    machine.write("boot/vmlinuz-6.9.old", "kernel");
    machine.write("boot/initrd.img-5.0", "no kernel has this");
    auto verdicts = check_installed_initrds(machine.paths());
    REQUIRE(verdicts.size() == 4);
    CHECK(verdicts[0].kernel == "6.10");
    CHECK(verdicts[0].path == "/boot/initramfs-6.10.img");
    CHECK_FALSE(verdicts[0].is_whole());
    // A kernel without an initrd may need none...
    CHECK(verdicts[2].kernel == "6.9");
    CHECK(verdicts[2].path.empty());
    CHECK(verdicts[2].is_whole());
    CHECK(verdicts[3].path == "/boot/initrd.img-6.1");
    CHECK(verdicts[3].is_whole());
    // ...but not where one is known good.
    REQUIRE(machine.keep());
    std::filesystem::remove(machine.path("boot/initrd.img-6.1"));
    verdicts = check_installed_initrds(machine.paths());
    CHECK(verdicts[3].reasons == std::vector<std::string>{"there is none, and one is known good"});
}
