// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/descriptor.h"
#include "base/mapping.h"
#include "tests/builders/temporary_folder.h"
#include "tests/error_text.h"

#include <algorithm>

#include <doctest/doctest.h>

using namespace lifeboat;
using lifeboat::tests::error_text;
using lifeboat::tests::TemporaryFolder;

TEST_CASE("a file's part is mapped, and moves with its owner") {
    const TemporaryFolder folder;
    const Descriptor file = open_file(folder.path("f"), O_RDWR | O_CREAT, 0600).value();
    REQUIRE(write_all(file.get(), std::string(4096, 'a') + std::string(4096, 'b'), "f"));
    Mapping mapping = Mapping::of_file(file.get(), 4096, 4096, "f").value();
    REQUIRE(mapping.bytes().size() == 4096);
    CHECK(mapping.bytes()[0] == std::byte{'b'});
    Mapping other(std::move(mapping));
    CHECK_FALSE(mapping.is_mapped());
    CHECK(other.bytes()[4095] == std::byte{'b'});
    mapping = std::move(other);
    CHECK(mapping.is_mapped());
    mapping.reset();
    CHECK_FALSE(mapping.is_mapped());
}

TEST_CASE("memory comes zeroed") {
    const Mapping mapping = Mapping::anonymous(65536).value();
    CHECK(std::ranges::count(mapping.bytes(), std::byte{0}) == 65536);
    mapping.bytes()[65535] = std::byte{1};
}

TEST_CASE("a mapping that fails says of what") {
    const Descriptor zero = open_file("/proc/self/stat", O_RDONLY).value();
    CHECK(error_text(Mapping::of_file(zero.get(), 0x1000, 4096, "stat")) ==
          "map 4096 bytes of 'stat' at 0x1000: No such device");
    CHECK(error_text(Mapping::of_file(-1, 0, 4096, "f")) ==
          "map 4096 bytes of 'f' at 0x0: Bad file descriptor");
    CHECK(error_text(Mapping::anonymous(0)) == "map 0 bytes of memory: Invalid argument");
}
