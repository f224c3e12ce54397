// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/archive/initrd_reader.h"
#include "tests/builders/newc_builder.h"
#include "tests/builders/packed.h"
#include "tests/builders/temporary_folder.h"
#include "tests/error_text.h"

#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>

using namespace lifeboat;
using namespace lifeboat::host;
using namespace lifeboat::tests;

namespace {

// "path=content" for files, "path>target" for links, "path" for the rest; a line for each.
class Recorder : public InitrdVisitor {
public:
    Result<> visit(const CpioEntry& entry, EntryContent& content) override {
        text += entry.path;
        if ((entry.mode & 0170000) == 0100000)
            text += "=" + TRY(read_all(content));
        if (!entry.link_target.empty())
            text += ">" + entry.link_target;
        if (!entry.hard_link_to.empty())
            text += " is " + entry.hard_link_to;
        text += "\n";
        return {};
    }
    std::string text;

private:
    static Result<std::string> read_all(EntryContent& content) {
        std::string all;
        std::byte buffer[7];
        for (;;) {
            const std::size_t count = TRY(content.read(buffer));
            if (count == 0)
                return all;
            all.append(reinterpret_cast<const char*>(buffer), count);
        }
    }
};

struct Read {
    std::string entries;
    InitrdSummary summary;
    [[nodiscard]] std::string problem() const { return summary.problem ? summary.problem->text : "none"; }
};

Read read(std::string_view initrd) {
    Recorder recorder;
    auto summary = read_initrd(std::as_bytes(std::span(initrd)), recorder);
    REQUIRE(summary);
    return {recorder.text, *summary};
}

std::string early() {
    return newc({{"kernel", 040755}, {"kernel/x86/microcode/GenuineIntel.bin", 0100644, "microcode"}});
}
const std::string early_entries = "kernel\nkernel/x86/microcode/GenuineIntel.bin=microcode\n";

std::string main_archive() {
    return newc(
        {{".", 040755}, {"bin", 0120777, "usr/bin"}, {"init", 0100755, std::string(300, 'i') + "\n"}});
}
const std::string main_entries = ".\nbin>usr/bin\ninit=" + std::string(300, 'i') + "\n\n";

std::string zeros(std::size_t count) {
    return std::string(count, '\0');
}

std::string aligned(std::string text) {
    return text + zeros((4 - text.size() % 4) % 4);
}

} // namespace

TEST_CASE("an initrd is its archives one after the other, whatever each is packed with") {
    for (const Packer& packer : packers) {
        CAPTURE(packer.name);
        const std::string packed = output_of(std::string(packer.command), main_archive());
        const std::string initrd = aligned(early() + zeros(512) + packed + zeros(100)) + early();
        const Read whole = read(initrd);
        CHECK(whole.problem() == "none");
        CHECK(whole.entries == early_entries + main_entries + early_entries);
        REQUIRE(whole.summary.parts.size() == 3);
        CHECK(whole.summary.file_bytes == initrd.size());
        const InitrdPart& second = whole.summary.parts[1];
        CHECK(second.number == 2);
        CHECK(second.file_offset == early().size() + 512);
        CHECK(name_of(second.compression) == packer.name);
        CHECK(second.packed_bytes == packed.size());
        CHECK(second.unpacked_bytes == main_archive().size());
        CHECK(second.entries == 3);
        CHECK(whole.summary.parts[2].packed_bytes == early().size());
    }
}

TEST_CASE("one packed stream can hold several archives, two streams can follow each other") {
    const std::string both = early() + zeros(8) + main_archive() + zeros(1000);
    const Read in_one = read(output_of("gzip", both));
    CHECK(in_one.problem() == "none");
    CHECK(in_one.entries == early_entries + main_entries);
    CHECK(in_one.summary.parts.size() == 1);
    for (const Packer& packer : packers) {
        CAPTURE(packer.name);
        const Read two = read(output_of(std::string(packer.command), early()) +
                              output_of(std::string(packer.command), main_archive()));
        CHECK(two.problem() == "none");
        CHECK(two.entries == early_entries + main_entries);
        // The kernel's lz4 has no end: what follows a stream of it is part of it.
        CHECK(two.summary.parts.size() == (packer.name == "lz4 (legacy)" ? 1 : 2));
    }
}

TEST_CASE("hard links are what the kernel makes of inode numbers: not folders") {
    const Read links = read(newc({{"a", 040755, "", 7, 2},
                                  {"a/b", 040755, "", 7, 2},
                                  {"one", 0100644, "", 8, 2},
                                  {"two", 0100644, "content", 8, 2},
                                  {"three", 0100644, "x", 8, 1}}));
    CHECK(links.problem() == "none");
    CHECK(links.entries == "a\na/b\none=\ntwo=content is one\nthree=x\n");
}

TEST_CASE("what is wrong is said with its place, and what is before it is read") {
    const std::string good = early();
    const std::string first = newc_record({"first", 0100644, "1"});
    const std::string packed = output_of("xz --check=crc32", main_archive());
    const auto in_first = [](std::size_t at) {
        return std::format("archive 1 (none) from byte 0, at byte {} unpacked: ", at);
    };
    struct Row {
        std::string_view about;
        std::string initrd;
        std::string problem;
        std::string entries;
    };
    const Row rows[] = {
        {"garbage behind", good + "garbage",
         std::format("byte {} of {}: neither an archive nor padding, unread to the end", good.size(),
                     good.size() + 7),
         early_entries},
        {"garbage alone", "garbage", "byte 0 of 7: neither an archive nor padding, unread to the end", ""},
        {"zeros alone", zeros(100), "byte 100 of 100: no archive is in it, only zeros", ""},
        {"not aligned", good + zeros(1) + good,
         std::format("byte {} of {}: an archive not aligned to 4 bytes, which the kernel does not read",
                     good.size() + 1, 2 * good.size() + 1),
         early_entries},
        {"no trailer", first, in_first(first.size()) + "the data ends there, without the archive's end mark",
         "first=1\n"},
        {"a damaged header, whole ones behind it", first + "x" + newc_record({"lost"}).substr(1) + good,
         in_first(first.size()) + "the entry there is damaged or cut off", "first=1\n"},
        {"a header cut off", first + newc_record({"cut"}).substr(0, 50),
         in_first(first.size()) + "the entry there is damaged or cut off", "first=1\n"},
        {"a name cut off", first + newc_record({"cut", 0100644, "", 0, 1, 0, 0, 4000}),
         in_first(first.size()) + "the entry there is damaged or cut off", "first=1\n"},
        {"a name of impossible length, though the data is there",
         newc_record({"long", 0100644, "", 0, 1, 0, 0, 3'000'000}) + zeros(4'000'000),
         in_first(0) + "the entry there is damaged or cut off", ""},
        {"a name of 4 GiB", newc_record({"long", 0100644, "", 0, 1, 0, 0, 0xffffffff}) + zeros(1000),
         in_first(0) + "the entry there is damaged or cut off", ""},
        {"a content cut off", first + newc_record({"cut", 0100644, "12", 0, 1, 0, 0, {}, 100}),
         in_first(first.size() + 110 + 6 + 4) + "the data ends there, within a file", "first=1\n"},
        {"another cpio", output_of("cd / && echo . | cpio --quiet -o -H odc", ""),
         in_first(0) + "a cpio archive of another kind than newc, which the kernel does not read", ""},
        {"no cpio", "07070x" + zeros(512), in_first(0) + "no archive begins there", ""},
        {"packed, cut", aligned(good) + packed.substr(0, 30),
         std::format("archive 2 (xz) from byte {}, at byte 0 unpacked: decompress xz at byte {}: the data "
                     "ends there, "
                     "but not the stream",
                     aligned(good).size(), aligned(good).size() + 30),
         early_entries},
        {"packed garbage", output_of("gzip", "garbage"),
         "archive 1 (gzip) from byte 0, at byte 0 unpacked: no archive begins there", ""},
        {"garbage behind in the packed", output_of("gzip", good + "garbage"),
         std::format("archive 1 (gzip) from byte 0, at byte {} unpacked: no archive begins there",
                     good.size()),
         early_entries},
    };
    for (const Row& row : rows) {
        CAPTURE(row.about);
        const Read damaged = read(row.initrd);
        CHECK(damaged.problem() == row.problem);
        CHECK(damaged.entries.starts_with(row.entries));
    }
}

TEST_CASE("files that cannot be read are named") {
    const TemporaryFolder folder;
    Recorder recorder;
    CHECK(error_text(read_initrd(folder.path("missing"), recorder)) ==
          "open '" + folder.path("missing") + "': No such file or directory");
    CHECK(error_text(read_initrd(folder.path(), recorder)) == "read '" + folder.path() + "': not a file");
    std::ofstream(folder.path("empty")).flush();
    CHECK(error_text(read_initrd(folder.path("empty"), recorder)) ==
          "read '" + folder.path("empty") + "': it is empty");
}

// Through a mapping it would be SIGBUS, as where a sector of the disk cannot be read.
TEST_CASE("a part of the file that cannot be read is a problem with its place") {
    class Shortener : public Recorder {
    public:
        explicit Shortener(std::string path)
            : path_(std::move(path)) {}
        Result<> visit(const CpioEntry& entry, EntryContent& content) override {
            std::filesystem::resize_file(path_, 4096);
            return Recorder::visit(entry, content);
        }

    private:
        std::string path_;
    };
    const TemporaryFolder folder;
    const std::string path = folder.path("initrd");
    const std::string large(1 << 20, 'l');
    std::ofstream(path) << newc({{"first", 0100644, "1"}, {"large", 0100644, large}});
    Shortener shortener(path);
    const auto summary = read_initrd(path, shortener);
    REQUIRE(summary);
    REQUIRE(summary->problem);
    CHECK(summary->problem->kind == ErrorKind::no_data);
    CHECK(summary->problem->text ==
          std::format("archive 1 (none) from byte 0, at byte 262144 unpacked: read '{}' at 0x40000: the file "
                      "has become shorter",
                      path));
    CHECK(shortener.text.starts_with("first=1\n"));
}

TEST_CASE("a file is read like what is in memory, whatever the piece in which a stream ends") {
    const TemporaryFolder folder;
    const std::string path = folder.path("initrd");
    const std::string filler = output_of("head -c 700000 /dev/urandom", "");
    for (const Packer& packer : packers) {
        CAPTURE(packer.name);
        const std::string packed = output_of(std::string(packer.command), newc({{"f", 0100644, filler}}));
        const std::string initrd = aligned(early() + zeros(300'000) + packed + zeros(300'000)) + early();
        std::ofstream(path, std::ios::trunc | std::ios::binary) << initrd;
        Recorder recorder;
        const auto summary = read_initrd(path, recorder);
        REQUIRE(summary);
        CHECK_FALSE(summary->problem);
        CHECK(summary->parts.size() == 3);
        CHECK(recorder.text == early_entries + "f=" + filler + "\n" + early_entries);
    }
}

TEST_CASE("an initrd cut at any length has a problem within it, and nothing that was not there") {
    for (const Packer& packer : packers) {
        const std::string packed = output_of(std::string(packer.command), main_archive());
        const std::string initrd = early() + packed;
        for (std::size_t length = 1; length < initrd.size(); ++length) {
            CAPTURE(packer.name);
            CAPTURE(length);
            const Read cut = read(std::string_view(initrd).substr(0, length));
            CHECK((early_entries + main_entries).starts_with(cut.entries));
            if (length == early().size()) {
                CHECK(cut.problem() == "none");
                continue;
            }
            REQUIRE(cut.summary.problem);
            CHECK(cut.summary.problem->file_offset <= length);
            CHECK(cut.summary.problem->part == (length > early().size() + 8 ? 2 : cut.summary.problem->part));
        }
    }
}

TEST_CASE("a flipped bit is noticed where the packing has sums") {
    for (const Packer& packer : packers) {
        const std::string packed = output_of(std::string(packer.command), main_archive());
        const bool has_sums = packer.name != "lzma" && packer.name != "lz4 (legacy)";
        for (std::size_t at = 0; at < packed.size(); ++at) {
            std::string damaged = packed;
            damaged[at] ^= static_cast<char>(1 << (at % 8));
            CAPTURE(packer.name);
            CAPTURE(at);
            const Read flipped = read(damaged);
            CHECK((flipped.summary.problem || !has_sums || flipped.entries == main_entries));
        }
    }
}

TEST_CASE("a flipped bit in an archive that is not packed is survived") {
    const std::string archive = main_archive();
    for (std::size_t bit = 0; bit < archive.size() * 8; ++bit) {
        std::string damaged = archive;
        damaged[bit / 8] ^= static_cast<char>(1 << (bit % 8));
        CAPTURE(bit);
        const Read flipped = read(damaged);
        if (flipped.summary.problem)
            CHECK(flipped.summary.problem->unpacked_offset <= archive.size());
    }
}
