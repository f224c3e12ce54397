// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/fallback/boot_entries.h"
#include "host/fallback/loader_entries.h"
#include "tests/error_text.h"
#include "tests/host/good_machine.h"

#include <doctest/doctest.h>

using namespace lifeboat;
using namespace lifeboat::host;
using tests::error_text;
using tests::GoodMachine;
using tests::initrd_with;

namespace {

std::vector<std::string> rows_of(const GoodMachine& machine) {
    std::vector<std::string> rows;
    for (const BootEntry& entry : boot_entries(machine.paths(), read_good_store(machine.paths()).value()))
        rows.push_back(row_text(entry));
    return rows;
}

} // namespace

TEST_CASE("the menu has what is known good, and rescue where it was packed") {
    const GoodMachine machine;
    CHECK(rows_of(machine).empty());
    machine.write("boot/lifeboat/rescue/initrd.img-6.1", "rescue");
    machine.write("boot/lifeboat/rescue/initrd.img-6.0", "of a kernel that is gone");
    const std::string rescue =
        "lifeboat-rescue\t6.1\t/boot/vmlinuz-6.1\t/boot/lifeboat/rescue/initrd.img-6.1\t-\t"
        "lifeboat.rescue=boot\tlifeboat: rescue";
    REQUIRE(rows_of(machine).size() == 3);
    CHECK(rows_of(machine)[0] == "top\t" + rescue);

    REQUIRE(machine.keep());
    machine.write("boot/initrd.img-6.1", initrd_with("second"));
    REQUIRE(machine.keep(1'700'000'060));
    const auto rows = rows_of(machine);
    REQUIRE(rows.size() == 5);
    const std::string folder = "/boot/lifeboat/good/6.1+20231114T221420Z";
    CHECK(rows[0] == "top\tlifeboat-good-6.1+20231114T221420Z\t6.1\t" + folder + "/vmlinuz\t" + folder +
                         "/initrd.img\troot=UUID=a ro quiet\tlifeboat.good=6.1+20231114T221420Z\t"
                         "lifeboat: known good 6.1 (2023-11-14 22:14 UTC)");
    CHECK(rows[1] == "top\tlifeboat-rescue\t6.1\t" + folder +
                         "/vmlinuz\t/boot/lifeboat/rescue/initrd.img-6.1\troot=UUID=a ro quiet\t"
                         "lifeboat.rescue=boot\tlifeboat: rescue");
    CHECK(rows[2].starts_with("more\tlifeboat-good-6.1+20231114T221320Z\t"));
    CHECK(rows[3].starts_with("more\tlifeboat-repair\t6.1\t"));
    CHECK(rows[3].ends_with("\tlifeboat.rescue=repair\tlifeboat: rescue and repair"));
    CHECK(rows[4].starts_with("more\tlifeboat-shell\t6.1\t"));
    CHECK(rows[4].ends_with("\tlifeboat.rescue=shell\tlifeboat: rescue console"));

    // What is not all there is not offered.
    machine.write("boot/lifeboat/good/6.1+20231114T221420Z/initrd.img", "cut");
    CHECK(rows_of(machine)[0].starts_with("top\tlifeboat-good-6.1+20231114T221320Z\t"));
}

TEST_CASE("command lines in GRUB's words") {
    const struct {
        std::string line, words;
    } rows[] = {
        {"", ""},
        {"root=UUID=a-b ro console=ttyS0,115200n8", "root=UUID=a-b ro console=ttyS0,115200n8"},
        {"dyndbg=\"file a.c +p; file b.c\" quiet", "'dyndbg=file a.c +p; file b.c' quiet"},
        {"a=$x b={1} c='d'", R"('a=$x' 'b={1}' 'c='\''d'\''')"},
        {"root=/dev/mapper/a--b-c", "root=/dev/mapper/a--b-c"},
    };
    for (const auto& row : rows)
        CHECK(grub_words(row.line) == row.words);
}

TEST_CASE("entries of the Boot Loader Specification") {
    const GoodMachine machine;
    REQUIRE(machine.keep());
    machine.write("boot/lifeboat/rescue/initrd.img-6.1", "rescue");
    // /boot is a file system of its own.
    machine.write("proc/self/mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n23 22 8:2 / " +
                                             machine.path("boot") + " rw - ext4 /dev/sda2 rw\n");
    machine.write("boot/loader/entries/m-6.1.conf", "title Debian\nsort-key debian\nlinux /m/6.1/linux\n");
    machine.write("boot/loader/entries/lifeboat-good-old.conf", "title old\n");
    const auto write = [&] {
        const GoodStore store = read_good_store(machine.paths()).value();
        return write_loader_entries(machine.paths(), boot_entries(machine.paths(), store),
                                    "root=/dev/sda1 ro");
    };
    auto made = write();
    REQUIRE(error_text(made) == "no error");
    CHECK(made->notes.empty());
    CHECK(machine.names_in("boot/loader/entries") ==
          std::vector<std::string>{"lifeboat-good-6.1+20231114T221320Z.conf", "lifeboat-repair.conf",
                                   "lifeboat-rescue.conf", "lifeboat-shell.conf", "m-6.1.conf"});
    CHECK(machine.read("boot/loader/entries/lifeboat-good-6.1+20231114T221320Z.conf") ==
          "title lifeboat: known good 6.1 (2023-11-14 22:13 UTC)\nversion 6.1\nsort-key zz-lifeboat\n"
          "linux /lifeboat/good/6.1+20231114T221320Z/vmlinuz\n"
          "initrd /lifeboat/good/6.1+20231114T221320Z/initrd.img\n"
          "options root=UUID=a ro quiet lifeboat.good=6.1+20231114T221320Z\n");
    // Once more there is nothing to do.
    made = write();
    REQUIRE(made);
    CHECK(made->changed.empty());
    // Gone with what is known good, but for rescue, which has the usual command line then.
    REQUIRE(remove_generation(machine.paths(), "6.1+20231114T221320Z"));
    REQUIRE(write());
    CHECK(machine.names_in("boot/loader/entries").size() == 4);
    CHECK(machine.read("boot/loader/entries/lifeboat-rescue.conf")
              .ends_with("linux /vmlinuz-6.1\ninitrd /lifeboat/rescue/initrd.img-6.1\n"
                         "options root=/dev/sda1 ro lifeboat.rescue=boot\n"));
}
