// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/error_text.h"
#include "tests/vmcore/written_core.h"
#include "tests/vmcore/written_dump.h"
#include "vmcore/dump_digest.h"
#include "vmcore/dump_inventory.h"
#include "vmcore/dump_verifier.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <format>

#include <doctest/doctest.h>

using namespace lifeboat;
using namespace lifeboat::tests;

namespace {

constexpr std::string_view machine = R"(
ram 0x100000..0x1c00000
fill 0x100..0x180 text "some words "
fill 0x180..0x200 random
page 0x110..0x118 lru
page 0x400 buddy order 8
)";

using State = DumpVerdict::State;
using Digests = DumpVerdict::Digests;

DumpVerdict verify(const std::string& path) {
    return verify_dump(path, [](const DumpProgress&) {}).value();
}

// With the digests of what is in it, as lifeboat writes them.
class DigestedDump : public WrittenDump {
public:
    DigestedDump()
        : WrittenDump(machine, {.flags = 0x20, .level = 31}) {
        const std::string content = read_file(path(), std::size_t{256} << 20).value();
        const std::uint64_t data_at = descriptors_at + dumped.size() * 24;
        KdumpTrailer trailer{};
        std::memcpy(trailer.signature, "LIFEBOAT", 8);
        trailer.version = 1;
        trailer.algorithm = 1;
        trailer.descriptors_offset = descriptors_at;
        trailer.data_offset = data_at;
        trailer.data_end = file_bytes;
        digest(content, 0, descriptors_at, trailer.headers_digest);
        digest(content, descriptors_at, data_at, trailer.descriptors_digest);
        digest(content, data_at, file_bytes, trailer.data_digest);
        trailer.check = check_of(trailer);
        patch(file_bytes, trailer);
    }

    void flip(std::uint64_t offset) const {
        std::byte byte{};
        const Descriptor file = open_file(path(), O_RDONLY).value();
        read_exactly_at(file.get(), std::span(&byte, 1), offset, "dump").value();
        patch(offset, byte ^ std::byte{1});
    }

private:
    static void digest(const std::string& content, std::uint64_t from, std::uint64_t to,
                       std::uint8_t (&into)[16]) {
        DumpDigest digest;
        digest.update(std::as_bytes(std::span(content)).subspan(from, to - from));
        std::ranges::copy(digest.finish(), into);
    }
};

} // namespace

TEST_CASE("whole dumps of every method are whole") {
    for (const std::uint32_t flags : {0x0U, 0x1U, 0x2U, 0x20U}) {
        const WrittenDump dump(machine, {.flags = flags, .level = 31});
        const DumpVerdict verdict = verify(dump.path());
        CHECK(verdict.state == State::whole);
        CHECK(verdict.digests == Digests::absent);
        CHECK(verdict.pages == dump.dumped.size());
        CHECK(verdict.findings.empty());
    }
}

TEST_CASE("an incomplete dump, and how much is lost") {
    const WrittenDump dump(machine, {.flags = 0x1, .more_status = 0x8});
    dump.patch(dump.descriptor_at(0x120), 0UL);
    dump.patch(dump.descriptor_at(0x121), 0UL);
    const DumpVerdict verdict = verify(dump.path());
    CHECK(verdict.state == State::incomplete);
    CHECK(verdict.pages == dump.dumped.size() - 2);
    CHECK(verdict.findings ==
          std::vector<std::string>{
              "the header says that it is incomplete",
              "2 pages are lost, the first is pfn 0x120: it was lost, the dump is incomplete"});
}

TEST_CASE("a dump that ends within its descriptors") {
    const WrittenDump dump(machine);
    dump.truncate(dump.descriptors_at + 24);
    const DumpVerdict verdict = verify(dump.path());
    CHECK(verdict.state == State::damaged); // the one page that has a descriptor has no data
    CHECK(verdict.findings[0] == std::format("it ends at {:#x}, before its {} page descriptors do at {:#x}",
                                             dump.descriptors_at + 24, dump.dumped.size(),
                                             dump.descriptors_at + 24 * dump.dumped.size()));
}

TEST_CASE("damage is told with the part and the first page") {
    const struct {
        std::function<void(const WrittenDump&)> damage;
        std::string_view finding;
    } table[] = {
        {[](const WrittenDump& dump) {
             dump.patch(dump.descriptor_at(0x120) + 8, 5000U);
             dump.patch(dump.descriptor_at(0x130) + 12, 0x40U);
         },
         "2 pages are damaged, the first is pfn 0x120: its data has 5000 bytes"},
        {[](const WrittenDump& dump) { dump.patch(dump.bitmap2_at + 0x10, std::uint8_t{1}); },
         "the bitmaps do not agree: 1 pages are in the dump that the machine did not have, the first is pfn "
         "0x80"},
    };
    for (const auto& [damage, finding] : table) {
        const WrittenDump dump(machine, {.flags = 0x1});
        damage(dump);
        const DumpVerdict verdict = verify(dump.path());
        CHECK(verdict.state == State::damaged);
        REQUIRE_FALSE(verdict.findings.empty());
        CHECK(verdict.findings[0] == finding);
    }
}

TEST_CASE("digests tell damage that nothing else tells, and where") {
    {
        const DigestedDump dump;
        const DumpVerdict verdict = verify(dump.path());
        CHECK(verdict.state == State::whole);
        CHECK(verdict.digests == Digests::right);
    }
    const auto parts = [](const DigestedDump& dump) {
        const std::uint64_t data_at = dump.descriptors_at + dump.dumped.size() * 24;
        return std::vector<std::pair<std::uint64_t, std::string>>{
            {20, std::format("headers, notes or bitmaps (0x0 to {:#x})", dump.descriptors_at)},
            {dump.descriptors_at + 16,
             std::format("page descriptors ({:#x} to {:#x})", dump.descriptors_at, data_at)},
            {dump.file_bytes - 1, std::format("page data ({:#x} to {:#x})", data_at, dump.file_bytes)},
        };
    };
    for (std::size_t i = 0; i < 3; ++i) {
        const DigestedDump dump;
        const auto [offset, part] = parts(dump)[i];
        dump.flip(offset);
        const DumpVerdict verdict = verify(dump.path());
        CHECK(verdict.state == State::damaged);
        CHECK(verdict.digests == Digests::wrong);
        CHECK(std::ranges::contains(
            verdict.findings, std::format("the digest of the {} is not the one that was written", part)));
    }
    const DigestedDump dump;
    dump.flip(dump.file_bytes + 50);
    CHECK(verify(dump.path()).findings ==
          std::vector<std::string>{"the trailer that holds the digests is damaged"});
}

TEST_CASE("a trailer of a later version says nothing to us") {
    const DigestedDump dump;
    KdumpTrailer trailer{};
    const Descriptor file = open_file(dump.path(), O_RDONLY).value();
    REQUIRE(read_exactly_at(file.get(), std::as_writable_bytes(std::span(&trailer, 1)), dump.file_bytes, ""));
    trailer.version = 2;
    trailer.check = check_of(trailer);
    dump.patch(dump.file_bytes, trailer);
    CHECK(verify(dump.path()).state == State::whole);
    CHECK(verify(dump.path()).digests == Digests::absent);
}

TEST_CASE("of an ELF core headers and sizes are checked") {
    const WrittenCore core(machine);
    CHECK(verify(core.path()).state == State::whole);
    CHECK(verify(core.path()).pages == core.built.present_pfns().size());
    core.truncate(core.built.data_at(0) + 0x800000);
    const DumpVerdict verdict = verify(core.path());
    CHECK(verdict.state == State::incomplete);
    REQUIRE(verdict.findings.size() == 1);
    CHECK(verdict.findings[0].contains("' is truncated: "));
}

TEST_CASE("what is neither core nor dump is an error") {
    const TemporaryFolder folder;
    CHECK(error_text(verify_dump(folder.path("none"), [](const DumpProgress&) {})) ==
          std::format("open '{}': No such file or directory", folder.path("none")));
}

TEST_CASE("an inventory counts every page by what it is, also of a dump that has not all of them") {
    const WrittenCore core(machine);
    const WrittenDump dump(machine, {.flags = 0x20, .level = 31});
    const DumpInventory of_core = take_inventory(core.open()).value();
    const DumpInventory of_dump = take_inventory(dump.open()).value();
    CHECK(of_core.doubts.empty());
    CHECK(of_dump.doubts.empty());
    CHECK(of_dump.pages_by_class == of_core.pages_by_class);
    CHECK(of_dump.pages_by_class[static_cast<std::size_t>(PageClass::free)] == 256);
    CHECK(of_core.held_pages == of_core.present_pages);
    CHECK(of_core.stored.empty());
    CHECK(of_dump.present_pages == of_core.present_pages);
    CHECK(of_dump.held_pages == dump.dumped.size());
    CHECK(of_dump.left_out_pages == of_core.present_pages - dump.dumped.size());
    CHECK(of_dump.lost_pages == 0);
    std::uint64_t stored_pages = 0;
    for (const auto& [flags, stored] : of_dump.stored)
        stored_pages += stored.pages;
    CHECK(stored_pages == dump.dumped.size());
    dump.truncate(dump.descriptors_at + 24 * 10);
    CHECK(take_inventory(dump.open()).value().lost_pages == dump.dumped.size() - 10);
}

// Mapped, it would end the program by SIGBUS; so would a sector that cannot be read.
TEST_CASE("a dump that gets shorter while it is read is an error") {
    const DigestedDump dump;
    const auto verdict = verify_dump(dump.path(), [&](const DumpProgress&) {
        std::filesystem::resize_file(dump.path(), dump.descriptors_at);
    });
    CHECK(error_text(verdict).ends_with(": the file ends there"));
}
