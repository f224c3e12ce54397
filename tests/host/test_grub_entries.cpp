// SPDX-License-Identifier: GPL-2.0-or-later
// The generator that the package puts into /etc/grub.d, with the functions of grub-mkconfig_lib played to it.
#include "base/descriptor.h"
#include "tests/builders/run_program.h"
#include "tests/host/good_machine.h"

#include <filesystem>

#include <doctest/doctest.h>

using namespace lifeboat;
using tests::GoodMachine;

namespace {

constexpr std::string_view program = "/usr/sbin/lifeboat";

struct GrubMachine : GoodMachine {
    GrubMachine() {
        write("lib/grub-mkconfig_lib", "make_system_path_relative_to_its_root() { echo \"${1#/boot}\"; }\n"
                                       "prepare_grub_to_access_device() { echo \"search $1\"; }\n"
                                       "uses_abstraction() { return 1; }\n"
                                       "grub_quote() { sed \"s/'/'\\\\\\\\''/g\"; }\n" // Debian's own
                                       "grub_warn() { echo \"Warning: $*\" >&2; }\n"
                                       "grub_probe() { [ $1 = --target=abstraction ] || echo $FS; }\n"
                                       "grub_probe=grub_probe\n");
        const auto source = std::filesystem::path(__FILE__).parent_path() / "../../host/system/grub-entries";
        std::string script = read_file(source).value();
        const std::string wrapper = path("lifeboat");
        for (std::size_t at = 0; (at = script.find(program, at)) != std::string::npos; at += wrapper.size())
            script.replace(at, program.size(), wrapper);
        write("42_lifeboat", script);
        write("lifeboat", "#!/bin/sh\nexec " LIFEBOAT_PROGRAM " \"$@\" --root " + paths().root + "\n");
        std::filesystem::permissions(path("lifeboat"), std::filesystem::perms::owner_all);
    }

    [[nodiscard]] tests::ProgramResult generate(const std::string& environment) const {
        return tests::run_program({"/bin/sh", "-c",
                                   environment + " pkgdatadir='" + path("lib") +
                                       "' GRUB_DEVICE=/dev/sda1 GRUB_DEVICE_BOOT=/dev/sda2 "
                                       "GRUB_CMDLINE_LINUX_DEFAULT=quiet sh " +
                                       path("42_lifeboat")});
    }
};

} // namespace

TEST_CASE("GRUB's menu has the entries") {
    const GrubMachine machine;
    CHECK(machine.generate("FS=ext2").out == "");
    machine.write("boot/lifeboat/rescue/initrd.img-6.1", "rescue");
    const auto rescue_only = machine.generate("FS=ext2");
    CHECK(rescue_only.err == "");
    CHECK(rescue_only.out.contains("\tlinux\t/vmlinuz-6.1 root=/dev/sda1 ro  quiet lifeboat.rescue=boot\n"));
    REQUIRE(machine.keep());
    const auto menu = machine.generate("FS=ext2");
    CHECK(menu.exit_code == 0);
    CHECK(menu.err == "");
    CHECK(menu.out.starts_with(
        "menuentry 'lifeboat: known good 6.1 (2023-11-14 22:13 UTC)' --class gnu-linux --class os "
        "$menuentry_id_option 'lifeboat-good-6.1+20231114T221320Z' {\n"
        "\tload_video\n\tinsmod gzio\n\tsearch /dev/sda2\n\techo\t'Loading Linux 6.1 ...'\n"
        "\tlinux\t/lifeboat/good/6.1+20231114T221320Z/vmlinuz root=UUID=a ro quiet "
        "lifeboat.good=6.1+20231114T221320Z\n"
        "\techo\t'Loading initial ramdisk ...'\n"
        "\tinitrd\t/lifeboat/good/6.1+20231114T221320Z/initrd.img\n}\n"
        "menuentry 'lifeboat: rescue' "));
    const std::size_t more =
        menu.out.find("submenu 'lifeboat: more' $menuentry_id_option 'lifeboat-more' {\n");
    REQUIRE(more != std::string::npos);
    CHECK(menu.out.find("'lifeboat-repair'") > more);
    CHECK(menu.out.find("'lifeboat-shell'") > more);
    CHECK_FALSE(menu.out.contains("lifeboat_boots_left"));
    // Fedora's GRUB reads them as files.
    CHECK(machine.generate("FS=ext2 GRUB_ENABLE_BLSCFG=true").out == "");
}

TEST_CASE("a kernel whose name is an order to GRUB is a name all the same") {
    const GrubMachine machine;
    machine.write("boot/vmlinuz-6.1';reboot #", "kernel");
    machine.write("boot/lifeboat/rescue/initrd.img-6.1';reboot #", "rescue");
    const auto menu = machine.generate("FS=ext2");
    CHECK(menu.err == "");
    CHECK(menu.out.contains("\techo\t'Loading Linux 6.1'\\'';reboot # ...'\n"
                            "\tlinux\t'/vmlinuz-6.1'\\'';reboot #' root=/dev/sda1 "));
    CHECK(menu.out.contains("\tinitrd\t'/lifeboat/rescue/initrd.img-6.1'\\'';reboot #'\n"));
}

TEST_CASE("failed boots are counted where it is asked for and where GRUB can write") {
    const GrubMachine machine;
    machine.write("etc/lifeboat.conf", "rescue.after_failed_boots = 2\n");
    CHECK(machine.generate("FS=ext2").out == ""); // nothing could be chosen
    machine.write("boot/lifeboat/rescue/initrd.img-6.1", "rescue");
    const auto counting = machine.generate("FS=ext2");
    CHECK(counting.out.contains("if [ \"${lifeboat_boots_left}\" = \"0\" ]; then\n"
                                "\tif [ \"${boot_once}\" != \"true\" ]; then\n"
                                "\t\tset default=lifeboat-rescue\n\tfi\n"
                                "elif [ \"${lifeboat_boots_left}\" = \"1\" ]; then\n"
                                "\tset lifeboat_boots_left=0\n\tsave_env lifeboat_boots_left\n"));
    const auto unwritable = machine.generate("FS=btrfs");
    CHECK_FALSE(unwritable.out.contains("lifeboat_boots_left"));
    CHECK(unwritable.err.contains("GRUB cannot write to the file system btrfs"));
}
