// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/builders/temporary_folder.h"
#include "tests/error_text.h"
#include "vmcore/block_output.h"

#include <random>
#include <vector>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

using namespace lifeboat;
using namespace lifeboat::tests;

namespace {

constexpr std::size_t block = 4096;

std::vector<std::byte> some_bytes(std::size_t count, std::uint32_t seed) {
    std::vector<std::byte> bytes(count);
    std::minstd_rand next(seed + 1);
    for (std::byte& byte : bytes)
        byte = static_cast<std::byte>(next() >> 8);
    return bytes;
}

} // namespace

TEST_CASE("what is appended in pieces of any size stands in the file, from the offset on") {
    const TemporaryFolder folder;
    for (const std::size_t total :
         {std::size_t{0}, std::size_t{1}, block, 3 * block + 5, std::size_t{5} << 20}) {
        CAPTURE(total);
        const std::string path = folder.path("out");
        const Descriptor file = open_file(path, O_RDWR | O_CREAT | O_TRUNC, 0600).value();
        const auto output = BlockOutput::open(file.get(), 2 * block, block, "out").value();
        const std::vector<std::byte> bytes = some_bytes(total, 1);
        std::minstd_rand next(7);
        std::uint64_t seen = 2 * block;
        for (std::size_t done = 0; done < total;) {
            const std::size_t part = std::min<std::size_t>(total - done, next() % 200'000);
            REQUIRE(output->append(std::span(bytes).subspan(done, part)));
            done += part;
            CHECK(output->end() == 2 * block + done);
            if (next() % 8 == 0)
                REQUIRE(output->push());
            CHECK(output->written_end() >= seen);
            CHECK(output->written_end() <= output->end());
            seen = output->written_end();
        }
        REQUIRE(output->finish());
        CHECK(output->written_end() == 2 * block + total);
        std::vector<std::byte> back(total);
        REQUIRE(read_exactly_at(file.get(), back, 2 * block, "out"));
        CHECK(back == bytes);
        CHECK(::lseek(file.get(), 0, SEEK_END) == static_cast<off_t>(total == 0 ? 0 : 2 * block + total));
    }
}

TEST_CASE("an error of the writing thread comes up, and nothing is written behind it") {
    const Descriptor full = open_file("/dev/full", O_WRONLY).value();
    const auto output = BlockOutput::open(full.get(), 0, block, "out").value();
    const std::vector<std::byte> bytes = some_bytes(std::size_t{1} << 20, 2);
    Result<> done;
    for (int i = 0; i < 16 && done; ++i)
        done = output->append(bytes);
    REQUIRE_FALSE(done);
    CHECK(done.error().kind == ErrorKind::no_space);
    CHECK(error_text(done).contains("No space left on device"));
    CHECK(error_text(output->finish()) == error_text(done));
    output->abandon();
    CHECK(output->written_end() == 0);
    CHECK(output->end() == 0);
}

TEST_CASE("after an error that is not one of space nothing more is written, though it would be taken now") {
    const TemporaryFolder folder;
    const Descriptor file = open_file(folder.path("out"), O_RDWR | O_CREAT, 0600).value();
    // Stands in for a disk that fails: a file that refuses, changed for one that takes all.
    const Descriptor sealed(::memfd_create("sealed", MFD_ALLOW_SEALING));
    REQUIRE(::fcntl(sealed.get(), F_ADD_SEALS, F_SEAL_WRITE) == 0);
    const auto output = BlockOutput::open(sealed.get(), 0, block, "out").value();
    const std::vector<std::byte> bytes = some_bytes(std::size_t{1} << 20, 4);
    Result<> done;
    for (int i = 0; i < 16 && done; ++i)
        done = output->append(bytes);
    REQUIRE_FALSE(done);
    CHECK(done.error().kind == ErrorKind::system);
    REQUIRE(::dup2(file.get(), sealed.get()) == sealed.get());
    output->abandon();
    CHECK(output->written_end() == 0);
    CHECK(::lseek(file.get(), 0, SEEK_END) == 0);
}

TEST_CASE("where a file cannot be written past the page cache that is said, and it is written all the same") {
    const Descriptor file = open_file("/dev/null", O_WRONLY).value();
    const auto output = BlockOutput::open(file.get(), 0, block, "out").value();
    REQUIRE(output->append(some_bytes(3 << 20, 3)));
    REQUIRE(output->finish());
    CHECK(output->not_direct_because().contains("Invalid argument"));
}
