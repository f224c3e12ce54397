// SPDX-License-Identifier: GPL-2.0-or-later
// ls, cat and unpack.
#include "base/descriptor.h"
#include "tests/builders/newc_builder.h"
#include "tests/builders/packed.h"
#include "tests/builders/run_program.h"
#include "tests/builders/temporary_folder.h"

#include <filesystem>
#include <format>
#include <fstream>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

using namespace lifeboat;
using namespace lifeboat::tests;

namespace {

class Initrd {
public:
    explicit Initrd(std::string_view bytes) { std::ofstream(path, std::ios::binary) << bytes; }
    TemporaryFolder folder;
    std::string path = folder.path("initrd");
    std::string target = folder.path("target");
};

ProgramResult lifeboat_with(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), LIFEBOAT_PROGRAM);
    return run_program(arguments, [] { ::setenv("TZ", "UTC", 1); });
}

std::string early() {
    return newc({{"kernel", 040755}, {"kernel/microcode", 0100644, "microcode"}});
}

std::vector<NewcRecord> main_records() {
    return {{".", 040750},
            {"bin", 0120777, "usr/bin"},
            {"dev/console", 020600, "", 0, 1, 5, 1},
            {"etc/passwd", 0100644, "old"},
            {"usr/bin", 040500},
            {"usr/bin/sh", 0104755, "", 9, 2},
            {"usr/bin/dash", 0104755, "shell", 9, 2},
            {"init", 0120777, "/bin/sh"}};
}

// A later archive that goes through the first one's links and takes places.
std::string later() {
    return newc({{"bin/tool", 0100755, "tool"}, {"etc/passwd", 0100600, "new"}, {"pipe", 010600}});
}

std::string some_initrd() {
    return early() + output_of("zstd -q", newc(main_records())) + output_of("lz4 -ql", later());
}

struct stat status_of(const std::string& path) {
    struct stat status{};
    REQUIRE(::lstat(path.c_str(), &status) == 0);
    return status;
}

} // namespace

TEST_CASE("ls lists names, and with --long all that ls -l would") {
    const Initrd initrd(some_initrd());
    const ProgramResult names = lifeboat_with({"ls", initrd.path});
    CHECK(names.exit_code == 0);
    CHECK(names.err == "");
    CHECK(names.out ==
          "kernel\nkernel/microcode\n.\nbin\ndev/console\netc/passwd\nusr/bin\nusr/bin/sh\nusr/bin/"
          "dash\ninit\nbin/tool\netc/passwd\npipe\n");
    const ProgramResult lines = lifeboat_with({"ls", "-l", initrd.path});
    CHECK(lines.out == lifeboat_with({"ls", "--long", initrd.path}).out);
    CHECK(lines.out.starts_with(
        std::format("archive 1: not compressed, bytes 0 to {0}, {0} unpacked, 2 entries\n"
                    "drwxr-xr-x   1 root     root            0 2023-11-14 22:13 kernel\n"
                    "-rw-r--r--   1 root     root            9 2023-11-14 22:13 kernel/microcode\n"
                    "archive 2: zstd, bytes {0} to ",
                    early().size())));
    CHECK(
        lines.out.contains("\nlrwxrwxrwx   1 root     root            7 2023-11-14 22:13 bin -> usr/bin\n"));
    CHECK(lines.out.contains("\ncrw-------   1 root     root         5, 1 2023-11-14 22:13 dev/console\n"));
    CHECK(lines.out.contains(
        "\n-rwsr-xr-x   2 root     root            5 2023-11-14 22:13 usr/bin/dash link to usr/bin/sh\n"));
}

TEST_CASE("ls of a damaged initrd lists what there is and says where it ends") {
    const Initrd initrd(early() + "garbage");
    const ProgramResult result = lifeboat_with({"ls", initrd.path});
    CHECK(result.exit_code == 1);
    CHECK(result.out == "kernel\nkernel/microcode\n");
    CHECK(result.err ==
          std::format("lifeboat ls: '{}': byte {} of {}: neither an archive nor padding, unread to the end\n",
                      initrd.path, early().size(), early().size() + 7));
}

TEST_CASE("cat prints what stands under a path in the end, through links") {
    const Initrd initrd(some_initrd());
    const auto print = [&](const std::string& path) { return lifeboat_with({"cat", initrd.path, path}); };
    CHECK(print("etc/passwd").out == "new");
    CHECK(print("/etc/passwd").out == "new");
    CHECK(print("./etc//passwd").out == "new");
    CHECK(print("usr/bin/dash").out == "shell");
    CHECK(print("usr/bin/sh").out == "shell");
    CHECK(print("bin/sh").out == "shell");
    CHECK(print("init").out == "shell");
    CHECK(print("usr/bin/../../etc/passwd").out == "new");
    CHECK(lifeboat_with({"cat", initrd.path, "kernel/microcode", "init", "kernel/microcode"}).out ==
          "microcodeshellmicrocode");
}

TEST_CASE("cat names what it cannot print and prints the rest") {
    const Initrd initrd(some_initrd());
    const ProgramResult result =
        lifeboat_with({"cat", initrd.path, "none", "etc/passwd", "usr/bin", "dev/console"});
    CHECK(result.exit_code == 1);
    CHECK(result.out == "new");
    CHECK(result.err == std::format("lifeboat cat: find 'none' in '{0}': nothing of that name is there\n"
                                    "lifeboat cat: find 'usr/bin' in '{0}': it is a folder\n"
                                    "lifeboat cat: find 'dev/console' in '{0}': it is not a file\n",
                                    initrd.path));
    const Initrd loop(newc({{"a", 0120777, "b"}, {"b", 0120777, "a"}}));
    CHECK(lifeboat_with({"cat", loop.path, "a"}).err.contains("too many links"));
}

TEST_CASE("unpack makes the tree that the kernel would") {
    const Initrd initrd(some_initrd());
    const ProgramResult result = lifeboat_with({"unpack", initrd.path, initrd.target});
    CHECK(result.err == "");
    CHECK(result.exit_code == 0);
    const auto at = [&](const std::string& path) { return initrd.target + "/" + path; };
    CHECK(*read_file(at("etc/passwd")) == "new");
    CHECK(*read_file(at("usr/bin/tool")) == "tool");
    CHECK(*read_file(at("usr/bin/sh")) == "shell");
    CHECK(status_of(at("usr/bin/sh")).st_ino == status_of(at("usr/bin/dash")).st_ino);
    CHECK(std::filesystem::read_symlink(at("init")) == "/bin/sh");
    CHECK((status_of(at("usr/bin")).st_mode & 07777) == 0500);
    CHECK((status_of(initrd.target).st_mode & 07777) == 0750);
    CHECK(S_ISFIFO(status_of(at("pipe")).st_mode));
    CHECK(status_of(at("kernel/microcode")).st_mtime == 1700000000);
    CHECK(status_of(at("usr/bin")).st_mtime == 1700000000);
    if (::geteuid() != 0)
        return;
    CHECK((status_of(at("usr/bin/sh")).st_mode & 07777) == 04755);
    CHECK(S_ISCHR(status_of(at("dev/console")).st_mode));
    CHECK(status_of(at("dev/console")).st_rdev == makedev(5, 1));
}

TEST_CASE("nothing that an archive holds is made outside of the folder") {
    const std::vector<std::vector<NewcRecord>> attacks = {
        {{"../out", 0100644, "x"}},
        {{"a/../../out", 0100644, "x"}},
        {{"a", 040755}, {"a/..", 040777}},
        {{"link", 0120777, "FOLDER"}, {"link/out", 0100644, "x"}},
        {{"link", 0120777, ".."}, {"link/out", 0100644, "x"}},
        {{"link", 0120777, "FOLDER/out"}, {"link", 0100644, "x"}},
        {{"link", 0120777, "FOLDER/victim"}, {"link", 0100644, "x"}},
        {{"a", 0120777, "b"}, {"b", 0120777, "FOLDER"}, {"a/out", 0100644, "x"}},
        {{"../victim", 0100644, "", 7, 2}, {"hard", 0100644, "x", 7, 2}},
        {{"link", 0120777, "FOLDER/victim", 7, 2}, {"hard", 0100644, "x", 7, 2}},
        {{"FOLDER/out", 0100644, "x"}},
        {{"link", 0120777, "FOLDER", 7, 1}, {"link", 040700, ""}},
    };
    for (const auto& attack : attacks) {
        const TemporaryFolder folder;
        std::vector<NewcRecord> records = attack;
        for (NewcRecord& record : records)
            for (std::string* const text : {&record.name, &record.content})
                if (const std::size_t found = text->find("FOLDER"); found != std::string::npos)
                    text->replace(found, 6, folder.path());
        CAPTURE(records[0].name);
        CAPTURE(records[0].content);
        std::ofstream(folder.path("initrd"), std::ios::binary) << newc(records);
        std::ofstream(folder.path("victim")) << "as it was";
        const mode_t mode = status_of(folder.path()).st_mode;
        const ProgramResult result = lifeboat_with({"unpack", folder.path("initrd"), folder.path("target")});
        CHECK(result.exit_code <= 1);
        CHECK(*read_file(folder.path("victim")) == "as it was");
        CHECK(!std::filesystem::exists(folder.path("out")));
        CHECK(status_of(folder.path()).st_mode == mode);
        CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 3);
    }
}

TEST_CASE("unpack wants a new or empty folder, and says what it left out") {
    const Initrd initrd(newc({{"..", 040755}, {"odd", 0170000}, {"file", 0100644, "content"}}));
    CHECK(lifeboat_with({"unpack", initrd.path, initrd.folder.path()}).err ==
          std::format("lifeboat unpack: unpack into '{}': it is not empty\n", initrd.folder.path()));
    CHECK(lifeboat_with({"unpack", initrd.path, initrd.folder.path("none/there")}).err ==
          std::format("lifeboat unpack: make the folder '{}': No such file or directory\n",
                      initrd.folder.path("none/there")));
    const ProgramResult result = lifeboat_with({"unpack", initrd.path, initrd.target});
    CHECK(result.exit_code == 1);
    CHECK(result.err == "lifeboat unpack: make '..': not a name, left out\n"
                        "lifeboat unpack: make 'odd': unknown type 0170000, left out\n");
    CHECK(*read_file(initrd.target + "/file") == "content");
}

TEST_CASE("another user than root gets files of his own and no devices") {
    if (::geteuid() != 0)
        return; // the other cases have shown it
    const Initrd initrd(some_initrd());
    std::filesystem::permissions(initrd.folder.path(), std::filesystem::perms::all);
    const ProgramResult result = run_program({LIFEBOAT_PROGRAM, "unpack", initrd.path, initrd.target}, [] {
        if (::setgid(65534) != 0 || ::setuid(65534) != 0)
            ::_exit(99);
    });
    CHECK(result.exit_code == 0);
    CHECK(result.err == "lifeboat unpack: not root: everything belongs to you, no set-user-ID is set\n"
                        "lifeboat unpack: 1 devices left out: not permitted to make them\n");
    CHECK(status_of(initrd.target + "/usr/bin/sh").st_uid == 65534);
    CHECK((status_of(initrd.target + "/usr/bin/sh").st_mode & 07777) == 0755);
}
