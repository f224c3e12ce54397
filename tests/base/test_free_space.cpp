// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/descriptor.h"
#include "base/free_space.h"
#include "tests/builders/temporary_folder.h"
#include "tests/error_text.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

using namespace lifeboat;
using lifeboat::tests::error_text;
using lifeboat::tests::TemporaryFolder;

TEST_CASE("the room of a file system, by a path and by a descriptor") {
    const TemporaryFolder folder;
    const FreeSpace space = free_space_of(folder.path()).value();
    CHECK(space.for_others_bytes > 0);
    CHECK(space.for_root_bytes >= space.for_others_bytes);
    CHECK(space.for_this_process_bytes() ==
          (::geteuid() == 0 ? space.for_root_bytes : space.for_others_bytes));

    const Descriptor file = open_file("/proc/self/stat", O_RDONLY).value();
    CHECK(free_space_of(file.get(), "/proc/self/stat").value().for_root_bytes == 0);
}

TEST_CASE("an error names what was asked for") {
    CHECK(error_text(free_space_of("/no/such")) ==
          "ask for free space of '/no/such': No such file or directory");
    CHECK(error_text(free_space_of(-1, "the dump")) ==
          "ask for free space of 'the dump': Bad file descriptor");
}
