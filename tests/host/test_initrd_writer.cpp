// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/descriptor.h"
#include "host/archive/initrd_writer.h"
#include "tests/builders/packed.h"
#include "tests/builders/run_program.h"
#include "tests/builders/temporary_folder.h"
#include "tests/error_text.h"

#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>
#include <sys/stat.h>

using namespace lifeboat;
using namespace lifeboat::host;
using namespace lifeboat::tests;

namespace {

InitrdWriter some_initrd() {
    InitrdWriter initrd;
    initrd.add_device("dev/console", 5, 1);
    initrd.add_file("init", "#!program\n", 0755);
    initrd.add_symlink("/bin", "usr/bin");
    initrd.add_folder("tmp", 01777);
    initrd.add_file("/etc/lifeboat/plan", "level = 31\n");
    initrd.add_file("lib/\xc3\xa9t\xc3\xa9", std::string("\0\1\2", 3));
    return initrd;
}

std::size_t files_in(const TemporaryFolder& folder) {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder.path()),
                                                  std::filesystem::directory_iterator()));
}

// type permissions links uid gid device|size name, without the time, for which cpio asks the locale
std::string listing(const std::string& archive) {
    return output_of("cpio --quiet -itvn | sed -E 's/ +/ /g; s/ Jan +1 +1970 / /'", archive);
}

} // namespace

TEST_CASE("GNU cpio finds in the archive what was put in, sorted, without times, all of root") {
    const auto archive = some_initrd().archive();
    REQUIRE(archive);
    CHECK(listing(*archive) == "lrwxrwxrwx 1 0 0 7 bin -> usr/bin\n"
                               "drwxr-xr-x 2 0 0 0 dev\n"
                               "crw------- 1 0 0 5, 1 dev/console\n"
                               "drwxr-xr-x 2 0 0 0 etc\n"
                               "drwxr-xr-x 2 0 0 0 etc/lifeboat\n"
                               "-rw-r--r-- 1 0 0 11 etc/lifeboat/plan\n"
                               "-rwxr-xr-x 1 0 0 10 init\n"
                               "drwxr-xr-x 2 0 0 0 lib\n"
                               "-rw-r--r-- 1 0 0 3 lib/\xc3\xa9t\xc3\xa9\n"
                               "drwxrwxrwt 2 0 0 0 tmp\n");
    CHECK(output_of("cpio --quiet -i --to-stdout etc/lifeboat/plan", *archive) == "level = 31\n");
    CHECK(output_of("cpio --quiet -i --to-stdout 'lib/*'", *archive) == std::string("\0\1\2", 3));
}

TEST_CASE("the same entries are the same bytes, in whatever order they come") {
    InitrdWriter other;
    other.add_file("lib/\xc3\xa9t\xc3\xa9", std::string("\0\1\2", 3));
    other.add_file("etc/lifeboat/plan", "replaced by the next");
    other.add_file("etc/lifeboat/plan", "level = 31\n");
    other.add_folder("tmp", 01777);
    other.add_symlink("bin", "usr/bin");
    other.add_file("init", "#!program\n", 0755);
    other.add_folder("dev");
    other.add_device("dev/console", 5, 1);
    CHECK(*other.archive() == *some_initrd().archive());

    const TemporaryFolder folder;
    REQUIRE(some_initrd().write(folder.path("one")));
    REQUIRE(other.write(folder.path("two")));
    CHECK(*read_file(folder.path("one")) == *read_file(folder.path("two")));
}

TEST_CASE("what is written is zstd with a window that a crash kernel affords, and a checksum") {
    const TemporaryFolder folder;
    const std::string path = folder.path("initrd");
    InitrdWriter initrd = some_initrd();
    std::string large;
    for (std::uint32_t i = 0; large.size() < (std::size_t{5} << 20); ++i)
        large += std::to_string(i * 2654435761U);
    initrd.add_file("large", large);
    for (const Packing packing : {Packing::small, Packing::smallest}) {
        CAPTURE(packing);
        const auto sizes = initrd.write(path, packing);
        REQUIRE(sizes);
        CHECK(sizes->packed_bytes == std::filesystem::file_size(path));
        CHECK(sizes->unpacked_bytes == initrd.archive()->size());
        CHECK(sizes->rootfs_bytes == (large.size() + 4095) / 4096 * 4096 + 3 * 4096);
        CHECK(output_of("zstd -dcq", *read_file(path, std::size_t{16} << 20)) == *initrd.archive());
        const std::string list = run_program({"/usr/bin/zstd", "-lv", path}).out;
        CHECK(list.contains("Window Size: 128 KiB"));
        CHECK(list.contains("Check: XXH64"));
        struct stat status{};
        REQUIRE(::stat(path.c_str(), &status) == 0);
        CHECK((status.st_mode & 07777) == 0600);
        CHECK(files_in(folder) == 1);
    }
}

TEST_CASE("what is put in front comes first, and sizes are of both") {
    const TemporaryFolder folder;
    InitrdWriter first;
    first.add_file("init", std::string(5000, 'i'), 0755);
    const auto front = first.pack(Packing::smallest);
    REQUIRE(front);
    InitrdWriter second;
    second.add_file("etc/lifeboat/plan", "level = 31\n");
    const auto alone = second.pack(Packing::small);
    REQUIRE(alone);
    second.put_in_front(*front);
    const std::string path = folder.path("initrd");
    const auto sizes = second.write(path);
    REQUIRE(sizes);
    CHECK(*read_file(path) == front->bytes + alone->bytes);
    CHECK(sizes->packed_bytes == std::filesystem::file_size(path));
    CHECK(sizes->unpacked_bytes == first.archive()->size() + second.archive()->size());
    CHECK(sizes->rootfs_bytes == 3 * 4096);
}

TEST_CASE("paths that cannot be are named and nothing is written") {
    const auto error_with = [](const std::string& path) {
        const TemporaryFolder folder;
        InitrdWriter initrd = some_initrd();
        initrd.add_file(path, "");
        const auto written = initrd.write(folder.path("initrd"));
        CHECK(files_in(folder) == 0);
        return error_text(written);
    };
    for (const char* const path : {"", "/", "//etc/x", "etc//x", "etc/", "./init", "etc/../init", ".."}) {
        CAPTURE(path);
        CHECK(error_with(path).starts_with("put '"));
        CHECK(error_with(path).ends_with("' into an initrd: not a plain path"));
    }
    CHECK(error_with("init/below") == "put 'init/below' into an initrd: 'init' is no folder");
    CHECK(error_with("bin/sh") == "put 'bin/sh' into an initrd: 'bin' is no folder");
}

TEST_CASE("a target that cannot be written is named") {
    const TemporaryFolder folder;
    const std::string missing = folder.path("missing/initrd");
    CHECK(error_text(some_initrd().write(missing)) ==
          "create a file beside '" + missing + "': No such file or directory");
}
