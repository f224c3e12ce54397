// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/archive/compression.h"
#include "host/archive/decompressed_file.h"
#include "tests/builders/packed.h"
#include "tests/builders/temporary_folder.h"
#include "tests/error_text.h"

#include <fstream>
#include <random>

#include <doctest/doctest.h>

using namespace lifeboat;
using namespace lifeboat::host;
using namespace lifeboat::tests;

namespace {

// Compresses, though not to nothing: several blocks of every compressor.
std::string some_content(std::size_t bytes) {
    std::mt19937 random(1);
    std::string content;
    while (content.size() < bytes)
        content += std::string(random() % 7, 'a') + static_cast<char>(random());
    content.resize(bytes);
    return content;
}

class File {
public:
    explicit File(std::string_view content) { std::ofstream(path, std::ios::binary) << content; }
    TemporaryFolder folder;
    std::string path = folder.path("file");
};

std::string command(const Packer& packer) {
    return std::string(packer.command);
}

bool has_checksum(const Packer& packer) {
    return packer.name != "lzma" && packer.name != "lz4 (legacy)";
}

} // namespace

TEST_CASE("read_decompressed reads what the compressors of the same name write") {
    for (const std::size_t bytes :
         {std::size_t{0}, std::size_t{1}, std::size_t{100'000}, std::size_t{9'000'000}}) {
        const std::string content = some_content(bytes);
        for (const Packer& packer : packers) {
            CAPTURE(packer.name);
            CAPTURE(bytes);
            const std::string packed = output_of(command(packer), content);
            REQUIRE(compression_of(std::as_bytes(std::span(packed))));
            CHECK(name_of(*compression_of(std::as_bytes(std::span(packed)))) == packer.name);
            const auto read = read_decompressed(File(packed).path);
            CHECK(error_text(read) == "no error");
            CHECK((read && *read == content)); // not ==: it would print them
        }
    }
}

TEST_CASE("a file that is not compressed is read as it is") {
    for (const std::string_view content : {std::string_view(""),
                                           std::string_view("\x7f"
                                                            "ELF..."),
                                           std::string_view("BZ")})
        CHECK(*read_decompressed(File(content).path) == content);
    CHECK(error_text(read_decompressed("/nonexistent")) == "open '/nonexistent': No such file or directory");
}

TEST_CASE("streams of one kind that follow each other are one content, another kind is not") {
    for (const Packer& packer : packers) {
        CAPTURE(packer.name);
        const std::string both = output_of(command(packer), "one ") + output_of(command(packer), "two");
        CHECK(*read_decompressed(File(both).path) == "one two");
        CHECK(*read_decompressed(File(both + std::string(8, '\0')).path) == "one two");
        const std::string one = output_of(command(packer), "one ");
        const File mixed(one + "0707 something else");
        CHECK(error_text(read_decompressed(mixed.path)) ==
              std::format("read '{}': at byte {} something follows that is not {}", mixed.path, one.size(),
                          packer.name));
    }
}

TEST_CASE("the limit holds for what is packed and for what comes out") {
    const std::string packed = output_of("gzip", std::string(100'000, 'a'));
    const File file(packed);
    CHECK(error_text(read_decompressed(file.path, 99'999)) ==
          "read '" + file.path + "': more than 99999 bytes come out of it");
    CHECK(read_decompressed(file.path, 100'000));
    CHECK(read_decompressed(file.path, 10).error().kind == ErrorKind::unsupported);
}

TEST_CASE("a cut file is corrupt at each length, or what the file's start says is not compressed") {
    for (const Packer& packer : packers) {
        const std::string packed = output_of(command(packer), some_content(300));
        for (std::size_t length = 1; length < packed.size(); ++length) {
            CAPTURE(packer.name);
            CAPTURE(length);
            const File file(std::string_view(packed).substr(0, length));
            const auto read = read_decompressed(file.path);
            if (!compression_of(std::as_bytes(std::span(packed).first(length)))) {
                CHECK(*read == packed.substr(0, length));
            } else if (packer.name == "lz4 (legacy)" && length == 4) {
                CHECK(*read == ""); // nothing marks its end
            } else {
                REQUIRE(!read);
                CHECK(read.error().kind == ErrorKind::corrupt);
                CHECK(read.error().text.contains(" at byte "));
            }
        }
    }
}

TEST_CASE("a flipped bit is found where the format has sums, and never worse than that") {
    const std::string content = some_content(300);
    for (const Packer& packer : packers) {
        const std::string packed = output_of(command(packer), content);
        for (std::size_t at = 0; at < packed.size(); ++at) {
            std::string damaged = packed;
            damaged[at] ^= 1 << (at % 8);
            CAPTURE(packer.name);
            CAPTURE(at);
            const auto read = read_decompressed(File(damaged).path);
            if (!read || *read == damaged) // found, or no longer known as compressed
                continue;
            CHECK((!has_checksum(packer) || *read == content)); // a time or a name in the header
        }
    }
}
