// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/error_text.h"
#include "tests/vmcore/forbidden_calls.h"
#include "tests/vmcore/written_core.h"
#include "tests/vmcore/written_dump.h"
#include "vmcore/core_reader.h"
#include "vmcore/dump.h"
#include "vmcore/elf_writer.h"

#include <algorithm>
#include <format>

#include <doctest/doctest.h>
#include <elf.h>
#include <sys/stat.h>

using namespace lifeboat;
using namespace lifeboat::tests;

namespace {

constexpr std::string_view machine = R"(
ram 0x1000..0x9f000
ram 0x100000..0x2400000
ram 0x8000000..0x8400000
fill 0x1..0x40 text "some words of a kernel "
fill 0x40..0x80 random
fill 0x100..0x400 random
fill 0x8000..0x8200 text "the other section"
page 0x10..0x18 lru
page 0x20 buddy order 4
page 0x100..0x180 anon
page 0x200 anon order 9
page 0x8000 buddy order 8
page 0x8200 hwpoison
)";

constexpr std::uint64_t kernel_map = 0xffffffff80000000;

DumpOutcome write_elf(const CoreFile& core, const std::string& path, unsigned level) {
    const Descriptor output = open_file(path, O_RDWR | O_CREAT | O_TRUNC, 0600).value();
    return write_dump(core, output.get(), {.level = level, .threads = 2, .format = DumpFormat::elf},
                      [](const DumpProgress&) {});
}

std::vector<Elf64_Phdr> program_headers(const std::string& path) {
    const Descriptor file = open_file(path, O_RDONLY).value();
    Elf64_Ehdr header{};
    REQUIRE(read_exactly_at(file.get(), std::as_writable_bytes(std::span(&header, 1)), 0, path));
    std::vector<Elf64_Phdr> headers(header.e_phnum);
    REQUIRE(read_exactly_at(file.get(), std::as_writable_bytes(std::span(headers)), header.e_phoff, path));
    return headers;
}

void check_core(const std::string& path, const BuiltCore& built, unsigned level) {
    const CoreFile core = CoreFile::open(path).value();
    CHECK(core.doubts().empty());
    CHECK(core.vmcoreinfo().text() == built.vmcoreinfo());
    CoreReader reader(core);
    const std::vector<std::uint64_t> expected = built.expected_pfns(level);
    const std::vector<std::uint64_t> all = built.present_pfns();
    std::uint64_t wrong = 0;
    std::uint64_t left_out_pages = 0;
    BitmapPiece present;
    BitmapPiece left_out;
    BitmapPiece held;
    for (std::uint64_t pfn = 0; pfn < core.end_pfn(); pfn += BitmapPiece::pages) {
        present.reset(pfn);
        left_out.reset(pfn);
        held.reset(pfn);
        REQUIRE(core.mark_pages(present, left_out, held));
        left_out_pages += left_out.count();
        for (std::uint64_t each = pfn; each < present.end_pfn(); ++each) {
            const bool is_held = held.next_set(each) == each;
            wrong += (present.next_set(each) == each) == std::ranges::binary_search(all, each) ? 0 : 1;
            wrong += is_held == std::ranges::binary_search(expected, each) ? 0 : 1;
            if (is_held && !std::ranges::equal(reader.view_page(each).value(), built.page(each)))
                ++wrong;
        }
    }
    CHECK(wrong == 0);
    CHECK(left_out_pages == all.size() - expected.size());
}

} // namespace

TEST_CASE("what is written is read back, from a core and from a dump") {
    for (const unsigned level : {0U, 1U, 8U, 31U}) {
        CAPTURE(level);
        const WrittenCore core(machine);
        const DumpOutcome outcome = write_elf(core.open(), core.folder.path("elf"), level);
        REQUIRE_FALSE(outcome.error);
        CHECK(outcome.summary.doubts.empty());
        CHECK(outcome.summary.written_bytes == std::filesystem::file_size(core.folder.path("elf")));
        check_core(core.folder.path("elf"), core.built, level);

        const WrittenDump dump(machine, {.flags = 0x20, .level = level});
        REQUIRE_FALSE(write_elf(dump.open(), dump.folder.path("elf"), 0).error);
        check_core(dump.folder.path("elf"), dump.built, level);
    }
}

TEST_CASE("virtual addresses are the kernel's, whichever the input, however it lays out its memory") {
    for (const std::string_view layout :
         {"", "machine levels 5\n", "machine kaslr 0x4000000 kernel_at 0x1400000\n",
          "machine levels 5 kaslr 0x6000000 sme 0x800000000000\n"}) {
        CAPTURE(layout);
        const std::string description = std::string(layout) + std::string(machine);
        const WrittenCore core(description);
        const WrittenDump dump(description, {.level = 31});
        const CoreFile opened = core.open();
        const std::uint64_t direct_map =
            opened.segments()[0].virtual_address - opened.segments()[0].physical_address;
        REQUIRE_FALSE(write_elf(opened, core.folder.path("elf"), 31).error);
        REQUIRE_FALSE(write_elf(dump.open(), dump.folder.path("elf"), 31).error);
        const auto headers = program_headers(core.folder.path("elf"));
        const auto same = program_headers(dump.folder.path("elf"));
        REQUIRE(headers.size() == same.size());
        CHECK(headers[0].p_type == PT_NOTE);
        std::uint64_t image_headers = 0;
        for (std::size_t i = 1; i < headers.size(); ++i) {
            const bool is_image = headers[i].p_vaddr >= kernel_map;
            const std::uint64_t offset = headers[i].p_vaddr - headers[i].p_paddr;
            CHECK(offset == (is_image ? kernel_map - core.built.phys_base() : direct_map));
            CHECK(headers[i].p_align == 0);
            CHECK(same[i].p_vaddr == headers[i].p_vaddr);
            CHECK(same[i].p_paddr == headers[i].p_paddr);
            CHECK(same[i].p_filesz == headers[i].p_filesz);
            image_headers += is_image ? 1 : 0;
        }
        CHECK(image_headers > 0);
    }
}

TEST_CASE("where the page tables do not tell, there are no virtual addresses, and it is said") {
    const WrittenDump dump(std::string(machine) + "omit NUMBER(phys_base)");
    const std::string path = dump.folder.path("elf");
    const DumpOutcome outcome = write_elf(dump.open(), path, 0);
    REQUIRE_FALSE(outcome.error);
    CHECK(std::ranges::contains(outcome.summary.remarks,
                                "where the kernel has its memory mapped cannot be found, leaving virtual "
                                "addresses out of the program headers"));
    for (const Elf64_Phdr& header : program_headers(path))
        CHECK(header.p_vaddr == 0);
}

TEST_CASE("zero pages are holes") {
    const WrittenCore core("ram 0x1000000..0x9000000\nfill 0x5000 random");
    const std::string path = core.folder.path("elf");
    REQUIRE_FALSE(write_elf(core.open(), path, 0).error);
    struct stat status{};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK(status.st_size > 0x8000000);
    CHECK(status.st_blocks * 512 < 0x2000000);
    check_core(path, core.built, 0);
}

TEST_CASE("pages that cannot be read are left out of their segment, the others are there") {
    const WrittenCore written(std::string(machine) + "elf no_text");
    const CoreFile core = written.open();
    const std::uint64_t data = written.built.data_at(1) - 0x100000;
    const std::string path = written.folder.path("elf");
    DumpOutcome outcome;
    with_forbidden_calls({.shared_mappings = true, .unreadable_offsets = {data + 0x185000, data + 0x1f0000}},
                         [&] { outcome = write_elf(core, path, 0); });
    REQUIRE_FALSE(outcome.error);
    CHECK(outcome.summary.unreadable_pages == 2);
    const CoreFile again = CoreFile::open(path).value();
    CoreReader reader(again);
    CHECK_FALSE(reader.view_page(0x185));
    CHECK_FALSE(reader.view_page(0x1f0));
    for (const std::uint64_t pfn : {0x184UL, 0x186UL, 0x1efUL, 0x1f1UL, 0x8100UL})
        CHECK(std::ranges::equal(reader.view_page(pfn).value(), written.built.page(pfn)));
}

TEST_CASE("more segments than the ELF header can count") {
    const WrittenCore written("ram 0x1000000..0x40000000\nelf no_text");
    const CoreFile core = written.open();
    const std::string path = written.folder.path("elf");
    const Descriptor output = open_file(path, O_RDWR | O_CREAT, 0600).value();
    const auto writer = ElfWriter::begin(output.get(), core).value();
    // Every third page is dumped.
    std::uint64_t pages = 0;
    BitmapPiece present;
    BitmapPiece left_out;
    BitmapPiece held;
    for (std::uint64_t pfn = 0; pfn < core.end_pfn(); pfn += BitmapPiece::pages) {
        present.reset(pfn);
        held.reset(pfn);
        REQUIRE(core.mark_pages(present, left_out, held));
        BitmapPiece dumped;
        dumped.reset(pfn);
        for (std::uint64_t each = present.next_set(pfn); each < present.end_pfn(); each += 3)
            dumped.set(each, each + 1);
        dumped.keep_only(present);
        pages += dumped.count();
        REQUIRE(writer->write_bitmaps(present, dumped));
    }
    REQUIRE(pages > 65535);
    REQUIRE(writer->begin_pages(pages));
    std::vector<std::byte> content(4096);
    for (std::uint64_t i = 0; i < pages; ++i)
        if (i + 1 < pages)
            REQUIRE(writer->append_zero_page(0));
        else
            REQUIRE(writer->append(0, std::vector(4096, std::byte{7}), 0));
    REQUIRE(writer->finish());
    const CoreFile again = CoreFile::open(path).value();
    // The first piece's last page and the second's first follow each other.
    CHECK(again.segments().size() == pages - 1);
    CoreReader reader(again);
    CHECK(reader.view(again.segments().back().physical_address, 1).value()[0] == std::byte{7});
    CHECK(reader.view(again.segments().front().physical_address, 1).value()[0] == std::byte{0});
}

TEST_CASE("what broke off is no core") {
    const WrittenCore written(machine);
    const CoreFile core = written.open();
    const std::string path = written.folder.path("elf");
    const Descriptor output = open_file(path, O_RDWR | O_CREAT, 0600).value();
    const auto writer = ElfWriter::begin(output.get(), core).value();
    BitmapPiece present;
    present.set(0x100, 0x102);
    REQUIRE(writer->write_bitmaps(present, present));
    REQUIRE(writer->begin_pages(2));
    REQUIRE(writer->append(0x100, std::vector<std::byte>(4096), 0));
    writer->abandon();
    CHECK(error_text(CoreFile::open(path)) ==
          std::format("read '{}': neither an ELF file nor a kdump-compressed one", path));
}

TEST_CASE("pages that the writer cannot take") {
    const WrittenDump dump(machine, {.machine = "vax"});
    const CoreFile strange = dump.open();
    const Descriptor output = open_file(dump.folder.path("elf"), O_RDWR | O_CREAT, 0600).value();
    CHECK(error_text(ElfWriter::begin(output.get(), strange)) ==
          std::format("write the dump: ELF has no number for the machine of '{}'", dump.path()));
    const WrittenCore written(machine);
    const CoreFile core = written.open();
    const auto writer = ElfWriter::begin(output.get(), core).value();
    REQUIRE(writer->begin_pages(1));
    CHECK(error_text(writer->append(0x100, std::vector<std::byte>(100), 0x20)) ==
          "write the dump: page 0x100 is not a plain page");
}

TEST_CASE("a page with the content of one before is copied") {
    const WrittenCore written(machine);
    const CoreFile core = written.open();
    const std::string path = written.folder.path("elf");
    const Descriptor output = open_file(path, O_RDWR | O_CREAT, 0600).value();
    const auto writer = ElfWriter::begin(output.get(), core).value();
    BitmapPiece present;
    present.set(0x100, 0x103);
    REQUIRE(writer->write_bitmaps(present, present));
    REQUIRE(writer->begin_pages(3));
    const auto place = writer->append(0x100, std::vector(4096, std::byte{1}), 0).value();
    REQUIRE(writer->append(0x101, std::vector(4096, std::byte{2}), 0));
    REQUIRE(writer->append_again(0x102, place));
    REQUIRE(writer->finish());
    const CoreFile again = CoreFile::open(path).value();
    CoreReader reader(again);
    CHECK(reader.view(0x101fff, 1).value()[0] == std::byte{2});
    CHECK(reader.view(0x102fff, 1).value()[0] == std::byte{1});
}
