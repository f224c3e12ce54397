// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/descriptor.h"
#include "tests/builders/temporary_folder.h"
#include "tests/error_text.h"

#include <array>
#include <format>
#include <fstream>
#include <thread>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace lifeboat;
using lifeboat::tests::error_text;
using lifeboat::tests::TemporaryFolder;

namespace {

void make_file(const std::string& path, std::string_view content) {
    std::ofstream(path, std::ios::binary) << content;
}

bool is_valid(int fd) {
    return ::fcntl(fd, F_GETFD) >= 0;
}

} // namespace

TEST_CASE("a descriptor is closed once, by its last owner") {
    Descriptor first = open_file("/dev/null", O_RDONLY).value();
    const int fd = first.get();
    CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    Descriptor second(std::move(first));
    CHECK(second.get() == fd);
    CHECK(is_valid(fd));
    Descriptor third;
    CHECK_FALSE(third.is_open());
    third = std::move(second);
    CHECK(third.is_open());
    third.reset();
    CHECK_FALSE(is_valid(fd));
    third.reset();

    Descriptor released = open_file("/dev/null", O_RDONLY).value();
    const int owned = released.release();
    CHECK_FALSE(released.is_open());
    CHECK(is_valid(owned));
    ::close(owned);
}

TEST_CASE("opening fails with the name and errno's words") {
    const TemporaryFolder folder;
    const std::string missing = folder.path("missing");
    CHECK(error_text(open_file(missing, O_RDONLY)) ==
          std::format("open '{}': No such file or directory", missing));
    CHECK(error_text(open_file(folder.path(), O_WRONLY)) ==
          std::format("open '{}': Is a directory", folder.path()));
    const Descriptor directory = open_file(folder.path(), O_RDONLY | O_DIRECTORY).value();
    CHECK(error_text(open_file_at(directory.get(), "missing", O_RDONLY)) ==
          "open 'missing': No such file or directory");
    REQUIRE(open_file_at(directory.get(), "new", O_WRONLY | O_CREAT, 0600));
    struct stat status{};
    REQUIRE(::stat(folder.path("new").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("read_some ends at the end of the file or of the room") {
    const TemporaryFolder folder;
    make_file(folder.path("f"), "0123456789");
    const Descriptor file = open_file(folder.path("f"), O_RDONLY).value();
    std::array<std::byte, 6> room{};
    CHECK(read_some(file.get(), room, "f").value() == 6);
    CHECK(room[5] == std::byte{'5'});
    CHECK(read_some(file.get(), room, "f").value() == 4);
    CHECK(read_some(file.get(), room, "f").value() == 0);
    CHECK(error_text(read_some(-1, room, "f")) == "read 6 bytes of 'f': Bad file descriptor");
}

TEST_CASE("read_some waits for the rest of what comes in pieces") {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const Descriptor out(ends[0]);
    std::thread writer([in = Descriptor(ends[1])] {
        (void)write_all(in.get(), "abc", "pipe");
        ::usleep(10'000);
        (void)write_all(in.get(), "def", "pipe");
    });
    std::array<std::byte, 6> room{};
    CHECK(read_some(out.get(), room, "pipe").value() == 6);
    CHECK(room[3] == std::byte{'d'});
    writer.join();
}

TEST_CASE("read_exactly_at says where a file ends too early") {
    const TemporaryFolder folder;
    make_file(folder.path("f"), "0123456789");
    const Descriptor file = open_file(folder.path("f"), O_RDONLY).value();
    std::array<std::byte, 4> room{};
    REQUIRE(read_exactly_at(file.get(), room, 3, "f"));
    CHECK(room[0] == std::byte{'3'});
    const auto short_read = read_exactly_at(file.get(), room, 8, "f");
    CHECK(error_text(short_read) == "read 2 bytes of 'f' at 0xa: the file ends there");
    CHECK(short_read.error().kind == ErrorKind::no_data);
    CHECK(error_text(read_exactly_at(file.get(), room, 100, "f")) ==
          "read 4 bytes of 'f' at 0x64: the file ends there");
    CHECK(error_text(read_exactly_at(file.get(), room, UINT64_MAX, "f")) ==
          "read 4 bytes of 'f' at 0xffffffffffffffff: Invalid argument");
    CHECK(read_exactly_at(file.get(), {}, 1000, "f"));
}

TEST_CASE("write_all and write_all_at") {
    const TemporaryFolder folder;
    const Descriptor file = open_file(folder.path("f"), O_RDWR | O_CREAT, 0600).value();
    REQUIRE(write_all(file.get(), "hello ", "f"));
    REQUIRE(write_all(file.get(), "world", "f"));
    REQUIRE(write_all_at(file.get(), std::as_bytes(std::span(std::string_view("J"))), 0, "f"));
    CHECK(read_file(folder.path("f")).value() == "Jello world");
    const Descriptor full = open_file("/dev/full", O_RDWR).value();
    const auto error = write_all(full.get(), "abc", "full");
    CHECK(error_text(error) == "write 3 bytes to 'full': No space left on device");
    CHECK(error.error().kind == ErrorKind::no_space);
    CHECK(error_text(write_all_at(full.get(), std::as_bytes(std::span(std::string_view("ab"))), 16,
                                  "full")) == "write 2 bytes to 'full' at 0x10: No space left on device");
}

TEST_CASE("read_file reads what has no size, and no more than allowed") {
    const TemporaryFolder folder;
    CHECK(read_file("/proc/self/stat").value().starts_with(std::to_string(::getpid()) + " ("));
    CHECK(read_file("/dev/null").value().empty());
    make_file(folder.path("page"), std::string(4096, 'x'));
    CHECK(read_file(folder.path("page")).value().size() == 4096);
    CHECK(read_file(folder.path("page"), 4096).value().size() == 4096);
    const auto error = read_file(folder.path("page"), 4095);
    CHECK(error_text(error) == std::format("read '{}': more than 4095 bytes", folder.path("page")));
    CHECK(error.error().kind == ErrorKind::unsupported);
    CHECK(error_text(read_file(folder.path())) ==
          std::format("read 4096 bytes of '{}': Is a directory", folder.path()));
}

TEST_CASE("write_existing_file makes no file") {
    const TemporaryFolder folder;
    const std::string path = folder.path("f");
    CHECK(error_text(write_existing_file(path, "1")) ==
          std::format("open '{}': No such file or directory", path));
    make_file(path, "");
    REQUIRE(write_existing_file(path, "1"));
    CHECK(read_file(path).value() == "1");
    CHECK(error_text(write_existing_file("/dev/full", "12")) ==
          "write '12' to '/dev/full': No space left on device");
}
