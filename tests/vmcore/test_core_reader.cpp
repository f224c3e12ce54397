// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/error_text.h"
#include "tests/vmcore/forbidden_calls.h"
#include "tests/vmcore/written_core.h"
#include "vmcore/core_reader.h"

#include <algorithm>
#include <array>
#include <format>

#include <doctest/doctest.h>

using namespace lifeboat;
using namespace lifeboat::tests;

namespace {

// Pages that can be told apart, over several windows and segments with ragged ends that share a page.
constexpr std::string_view ragged_machine = R"(
ram 0x1100..0x5800
ram 0x5900..0x9fc00
ram 0x100000..0x1900000
fill 0x1..0x9f random
fill 0x100..0x200 random
fill 0x1600..0x1620 random
)";

bool same(std::span<const std::byte> bytes, const PageBytes& page) {
    return std::ranges::equal(bytes, page);
}

void check_all_pages(const WrittenCore& written, const CoreFile& core) {
    CoreReader reader(core);
    std::uint64_t different = 0;
    for (const std::uint64_t pfn : written.built.present_pfns()) {
        const auto page = reader.view_page(pfn);
        if (!page || !same(*page, written.built.page(pfn)))
            ++different;
    }
    CHECK(different == 0);
}

} // namespace

TEST_CASE("every page, whole or ragged, reads as it was") {
    const WrittenCore written(ragged_machine);
    check_all_pages(written, written.open());
}

TEST_CASE("and so it does where the file cannot be mapped") {
    const WrittenCore written(ragged_machine);
    const CoreFile core = written.open();
    with_forbidden_calls({.shared_mappings = true}, [&] { check_all_pages(written, core); });
}

TEST_CASE("asked to read, it maps nothing") {
    const WrittenCore written(ragged_machine);
    const auto is_mapped_after_reading = [&](CoreAccess access) {
        const CoreFile core = CoreFile::open(written.path(), access).value();
        check_all_pages(written, core);
        CoreReader reader(core);
        (void)reader.view_page(0x101).value();
        return read_file("/proc/self/maps").value().contains(written.path());
    };
    CHECK(is_mapped_after_reading(CoreAccess::map));
    CHECK_FALSE(is_mapped_after_reading(CoreAccess::read));
}

TEST_CASE("segments that begin anywhere in the file") {
    const WrittenCore written(small_machine("fill 0x100..0x110 random\nelf no_text"));
    // The same bytes, moved by 0x234 in the file.
    std::array<std::byte, 0x10000> bytes{};
    const Descriptor file = open_file(written.path(), O_RDWR).value();
    const std::uint64_t at = written.built.data_at(1);
    REQUIRE(read_exactly_at(file.get(), bytes, at, "core"));
    REQUIRE(write_all_at(file.get(), bytes, at + 0x234, "core"));
    written.patch<std::uint64_t>(BuiltCore::program_headers_at + 2 * 56 + 8, at + 0x234);
    const CoreFile core = written.open();
    CoreReader reader(core);
    for (std::uint64_t pfn = 0x100; pfn < 0x110; ++pfn)
        CHECK(same(reader.view_page(pfn).value(), written.built.page(pfn)));
}

TEST_CASE("reading crosses windows and segments") {
    const WrittenCore written(ragged_machine);
    const CoreFile core = written.open();
    CoreReader reader(core);
    std::vector<std::byte> bytes(std::size_t{10} << 20);
    REQUIRE(reader.read(0x100000, bytes));
    const PageBytes expected = written.built.page(0x1ff);
    CHECK(std::ranges::equal(std::span(bytes).subspan(0xff000, 4096), expected));
    // From one segment into the next, where they touch.
    const WrittenCore touching("ram 0x1000..0x8000\nram 0x8000..0x1900000\nfill 0x7..0x9 random");
    const CoreFile other = touching.open();
    CoreReader other_reader(other);
    std::array<std::byte, 64> across{};
    REQUIRE(other_reader.read(0x8000 - 32, across));
    CHECK(across[0] == touching.built.page(7)[4096 - 32]);
    CHECK(across[63] == touching.built.page(8)[31]);
}

TEST_CASE("a little is peeked at in one segment, mapped or read") {
    const WrittenCore written("ram 0x1000..0x8000\nram 0x8000..0x1900000\nfill 0x7..0x9 random");
    for (const CoreAccess access : {CoreAccess::map, CoreAccess::read}) {
        const CoreFile core = CoreFile::open(written.path(), access).value();
        CoreReader reader(core);
        std::array<std::byte, 128> bytes{};
        REQUIRE(reader.peek(0x8000 - 128, bytes));
        const PageBytes expected = written.built.page(7);
        CHECK(std::ranges::equal(bytes, std::span(expected).last(128)));
        CHECK(error_text(reader.peek(0x8000 - 64, bytes)) ==
              std::format("read '{}': a segment ends after physical address 0x7fc0", written.path()));
        CHECK(error_text(reader.peek(0x1900000, bytes)) ==
              std::format("read '{}': no memory at physical address 0x1900000", written.path()));
    }
}

TEST_CASE("a view ends where its segment or its window does") {
    const WrittenCore written(ragged_machine);
    const CoreFile core = written.open();
    CoreReader reader(core);
    CHECK(reader.view(0x1100, 10).value().size() == 10);
    CHECK(reader.view(0x5700, 4096).value().size() == 0x100);
    CHECK(reader.view(0x100000, std::uint64_t{64} << 20).value().size() <= (4U << 20));
}

TEST_CASE("views hold while others are looked at") {
    const WrittenCore written(ragged_machine);
    const CoreFile core = written.open();
    CoreReader reader(core);
    const auto first = reader.view(0x101000, 4096).value();
    (void)reader.view(0x1600000, 4096).value();
    (void)reader.view(0x1000000, 4096).value();
    CHECK(same(first, written.built.page(0x101)));
}

TEST_CASE("where there is no memory there is nothing to read") {
    const WrittenCore written(ragged_machine);
    const CoreFile core = written.open();
    CoreReader reader(core);
    for (const std::uint64_t address : {0x0UL, 0x10ffUL, 0x5800UL, 0x58ffUL, 0x9fc00UL, 0x1900000UL, ~0UL}) {
        const auto result = reader.view(address, 1);
        CHECK(error_text(result) ==
              std::format("read '{}': no memory at physical address {:#x}", written.path(), address));
        if (!result)
            CHECK(result.error().kind == ErrorKind::no_data);
    }
    CHECK(error_text(reader.view_page(0xa0)) ==
          std::format("read '{}': page 0xa0 is not there", written.path()));
    CHECK(error_text(reader.view_page(UINT64_MAX / 4096)) ==
          std::format("read '{}': page 0xfffffffffffff is not there", written.path()));
    std::array<std::byte, 8192> bytes{};
    CHECK(error_text(reader.read(0x9f000, bytes)) ==
          std::format("read '{}': no memory at physical address 0x9fc00", written.path()));
}

TEST_CASE("one page that cannot be read costs no other page") {
    const WrittenCore written("ram 0x100000..0x1900000\nfill 0x100..0x180 random\nelf no_text");
    const CoreFile core = written.open();
    const std::uint64_t bad = written.built.data_at(0) + 0x33000;
    with_forbidden_calls({.shared_mappings = true, .unreadable_offsets = {bad}}, [&] {
        CoreReader reader(core);
        unsigned lost = 0;
        for (std::uint64_t pfn = 0x100; pfn < 0x180; ++pfn) {
            const auto page = reader.view_page(pfn);
            if (!page) {
                ++lost;
                CHECK(error_text(page) == std::format("read 4096 bytes of '{}' at {:#x}: Input/output error",
                                                      written.path(), bad));
            } else {
                CHECK(same(*page, written.built.page(pfn)));
            }
        }
        CHECK(lost == 1);
    });
}
