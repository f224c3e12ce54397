// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/error_text.h"
#include "tests/vmcore/written_core.h"

#include <algorithm>
#include <format>

#include <doctest/doctest.h>
#include <elf.h>
#include <sys/stat.h>

using namespace lifeboat;
using namespace lifeboat::tests;

namespace {

constexpr std::uint64_t first_load = BuiltCore::program_headers_at + sizeof(Elf64_Phdr);

std::uint64_t header_field(std::size_t program_header, std::size_t field) {
    return BuiltCore::program_headers_at + program_header * sizeof(Elf64_Phdr) + field;
}

bool has_doubt(const CoreFile& core, const std::string& doubt) {
    return std::ranges::contains(core.doubts(), doubt);
}

} // namespace

TEST_CASE("a core is opened") {
    const WrittenCore written(small_machine("machine cpus 2"));
    const CoreFile core = written.open();
    CHECK(core.doubts().empty());
    CHECK(core.elf_machine() == EM_X86_64);
    CHECK(core.page_bytes() == 4096);
    CHECK(core.end_pfn() == 0x1900);
    CHECK(core.vmcoreinfo().text() == written.built.vmcoreinfo());
    CHECK(core.notes().size() == written.built.notes_bytes());
    const std::string_view notes(reinterpret_cast<const char*>(core.notes().data()), core.notes().size());
    CHECK(core.vmcoreinfo_notes_offset() == notes.find("OSRELEASE=") -
                                                notes.substr(0, notes.find("OSRELEASE=")).size() +
                                                notes.find(written.built.vmcoreinfo()));
    // The kernel's text, in a segment of its own, is in the direct map's too: one of them is enough.
    REQUIRE(core.segments().size() == 2);
    CHECK(core.segments()[0].physical_address == 0x1000);
    CHECK(core.segments()[0].file_bytes == 0x9ec00);
    CHECK(core.segments()[1].physical_address == 0x100000);
    CHECK(core.segments()[1].file_offset == written.built.data_at(1));
}

TEST_CASE("what is not a core is refused, exactly") {
    const struct {
        std::string_view what;
        std::function<void(const WrittenCore&)> damage;
        std::string_view text; // {}: the path
        ErrorKind kind;
    } table[] = {
        {"empty", [](const WrittenCore& core) { core.truncate(0); },
         "read 64 bytes of '{}' at 0x0: the file ends there", ErrorKind::no_data},
        {"cut in its header", [](const WrittenCore& core) { core.truncate(40); },
         "read 24 bytes of '{}' at 0x28: the file ends there", ErrorKind::no_data},
        {"no magic", [](const WrittenCore& core) { core.patch(0, 'X'); },
         "read '{}': neither an ELF file nor a kdump-compressed one", ErrorKind::corrupt},
        {"32 bits", [](const WrittenCore& core) { core.patch<char>(EI_CLASS, ELFCLASS32); },
         "read '{}': not a 64-bit little-endian ELF file", ErrorKind::unsupported},
        {"big-endian", [](const WrittenCore& core) { core.patch<char>(EI_DATA, ELFDATA2MSB); },
         "read '{}': not a 64-bit little-endian ELF file", ErrorKind::unsupported},
        {"a program", [](const WrittenCore& core) { core.patch<Elf64_Half>(16, ET_EXEC); },
         "read '{}': ELF type 2 is not a core", ErrorKind::unsupported},
        {"strange headers",
         [](const WrittenCore& core) { core.patch<Elf64_Half>(offsetof(Elf64_Ehdr, e_phentsize), 32); },
         "read '{}': program headers of 32 bytes", ErrorKind::corrupt},
        {"no headers",
         [](const WrittenCore& core) { core.patch<Elf64_Half>(offsetof(Elf64_Ehdr, e_phnum), 0); },
         "read '{}': it holds no memory (no PT_LOAD)", ErrorKind::no_data},
        {"headers elsewhere",
         [](const WrittenCore& core) {
             core.patch<Elf64_Off>(offsetof(Elf64_Ehdr, e_phoff), UINT64_MAX - 7);
         },
         "read '{}': it holds no memory (no PT_LOAD)", ErrorKind::no_data},
        {"no PT_LOAD",
         [](const WrittenCore& core) {
             for (std::size_t i = 1; i <= 3; ++i)
                 core.patch<Elf64_Word>(header_field(i, 0), PT_NULL);
         },
         "read '{}': it holds no memory (no PT_LOAD)", ErrorKind::no_data},
        {"a count that is nowhere",
         [](const WrittenCore& core) {
             core.patch<Elf64_Half>(offsetof(Elf64_Ehdr, e_phnum), PN_XNUM);
             core.patch<Elf64_Off>(offsetof(Elf64_Ehdr, e_shoff), 0x100000000);
         },
         "read 64 bytes of '{}' at 0x100000000: the file ends there", ErrorKind::no_data},
        {"segments where no memory can be",
         [](const WrittenCore& core) {
             for (std::size_t i = 1; i <= 3; ++i)
                 core.patch<Elf64_Addr>(header_field(i, offsetof(Elf64_Phdr, p_paddr)), UINT64_MAX - 0xfff);
         },
         "read '{}': it holds no memory (no PT_LOAD)", ErrorKind::no_data},
    };
    for (const auto& [what, damage, text, kind] : table) {
        CAPTURE(what);
        const WrittenCore core(small_machine());
        damage(core);
        const auto result = CoreFile::open(core.path());
        const std::string path = core.path();
        CHECK(error_text(result) == std::vformat(text, std::make_format_args(path)));
        if (!result)
            CHECK(result.error().kind == kind);
    }
}

TEST_CASE("what is no file at all") {
    const TemporaryFolder folder;
    CHECK(error_text(CoreFile::open(folder.path("none"))) ==
          std::format("open '{}': No such file or directory", folder.path("none")));
    CHECK(error_text(CoreFile::open(folder.path())) == std::format("read '{}': not a file", folder.path()));
    REQUIRE(::mkfifo(folder.path("fifo").c_str(), 0600) == 0);
    CHECK(error_text(CoreFile::open(folder.path("fifo"))) ==
          std::format("read '{}': not a file", folder.path("fifo")));
}

TEST_CASE("the number of segments may stand in section header 0") {
    const WrittenCore written(small_machine("elf xnum"));
    const CoreFile core = written.open();
    CHECK(core.doubts().empty());
    CHECK(core.segments().size() == 2);
    CHECK_FALSE(core.vmcoreinfo().empty());
}

TEST_CASE("of a truncated core what is there is used") {
    const WrittenCore written(small_machine("elf no_text"));
    const std::uint64_t data_at = written.built.data_at(1);
    written.truncate(data_at + 0x10000 + 0x123); // inside the second segment, and inside of a page
    const CoreFile core = written.open();
    REQUIRE(core.segments().size() == 2);
    CHECK(core.segments()[1].memory_bytes == 0x1800000);
    CHECK(core.segments()[1].file_bytes == 0x10000);
    CHECK(core.end_pfn() == 0x1900);
    CHECK(has_doubt(core,
                    std::format("'{}' is truncated: 25100288 bytes of memory that its headers name are not "
                                "there, leaving their pages out",
                                written.path())));
}

TEST_CASE("a core that ends before its memory opens, with none") {
    const WrittenCore written(small_machine());
    written.truncate(written.built.notes_at() + written.built.notes_bytes());
    const CoreFile core = written.open();
    CHECK_FALSE(core.vmcoreinfo().empty());
    for (const CoreSegment& segment : core.segments())
        CHECK(segment.file_bytes == 0);
}

TEST_CASE("program headers that are missing are told") {
    const WrittenCore written(small_machine("elf no_text"));
    written.patch<Elf64_Half>(offsetof(Elf64_Ehdr, e_phnum), 40000);
    written.truncate(written.built.notes_at() - 100);
    const auto core = CoreFile::open(written.path());
    REQUIRE(core);
    bool told = false;
    for (const std::string& doubt : core->doubts())
        told = told || (doubt.starts_with("program headers ") &&
                        doubt.ends_with(" to 39999 are missing, going on with those before"));
    CHECK(told);
}

TEST_CASE("notes that are cut are used as far as they go") {
    const WrittenCore written(small_machine());
    SUBCASE("by the end of the file") {
        written.truncate(written.built.notes_at() + 100);
        const CoreFile core = written.open();
        CHECK(core.notes().size() == 100);
        CHECK(has_doubt(core, std::format("of {} bytes of notes only 100 are there, using those",
                                          written.built.notes_bytes())));
        CHECK(has_doubt(core, "the note at 0x0 runs past the notes' end, ignoring the rest"));
        CHECK(has_doubt(core, "there is no VMCOREINFO note, keeping every page"));
    }
    SUBCASE("by a length that cannot be") {
        written.patch<Elf64_Word>(written.built.notes_at() + offsetof(Elf64_Nhdr, n_descsz), 0xfffffff0);
        const CoreFile core = written.open();
        CHECK(has_doubt(core, "the note at 0x0 runs past the notes' end, ignoring the rest"));
        CHECK(core.vmcoreinfo().empty());
    }
    SUBCASE("by a name's length that cannot be") {
        written.patch<Elf64_Word>(written.built.notes_at() + offsetof(Elf64_Nhdr, n_namesz), 0xffffffff);
        CHECK(written.open().vmcoreinfo().empty());
    }
    SUBCASE("all of them, being elsewhere") {
        written.patch<Elf64_Off>(header_field(0, offsetof(Elf64_Phdr, p_offset)), UINT64_MAX - 4096);
        CHECK(written.open().notes().empty());
    }
}

TEST_CASE("many large notes do not fill the memory") {
    const WrittenCore written(small_machine());
    written.truncate(std::uint64_t{1} << 36); // sparse
    for (std::size_t i = 0; i < 3; ++i) {
        written.patch<Elf64_Word>(header_field(i, 0), PT_NOTE);
        written.patch<Elf64_Off>(header_field(i, offsetof(Elf64_Phdr, p_offset)), 0x10000000);
        written.patch<Elf64_Xword>(header_field(i, offsetof(Elf64_Phdr, p_filesz)), std::uint64_t{1} << 33);
    }
    CHECK(written.open().notes().size() == 64 << 20);
}

TEST_CASE("a core without VMCOREINFO opens, and says so") {
    const WrittenCore written(small_machine("elf no_vmcoreinfo"));
    const CoreFile core = written.open();
    CHECK(core.vmcoreinfo().empty());
    CHECK(has_doubt(core, "there is no VMCOREINFO note, keeping every page"));
}

TEST_CASE("a page size that cannot be") {
    for (const std::string_view bytes : {"0", "1", "4095", "5000", "131072", "2048"}) {
        const WrittenCore written(small_machine("set PAGESIZE=" + std::string(bytes)));
        const CoreFile core = written.open();
        CHECK(core.page_bytes() == 4096);
        CHECK(has_doubt(core, std::format("PAGESIZE={} cannot be, using 4096", bytes)));
    }
    const WrittenCore written(small_machine("set PAGESIZE=65536"));
    CHECK(written.open().page_bytes() == 65536);
}

TEST_CASE("overlapping segments are cut so that each byte is there once") {
    const WrittenCore written("ram 0x1000000..0x2000000\nelf no_text\nram 0x2000000..0x2400000\nram "
                              "0x3000000..0x3100000\n");
    // Three segments: [0x1000000,0x2000000), and two that are moved into its reach.
    written.patch<Elf64_Addr>(header_field(2, offsetof(Elf64_Phdr, p_paddr)), 0x1f00000);
    written.patch<Elf64_Addr>(header_field(3, offsetof(Elf64_Phdr, p_paddr)), 0x1200000);
    const CoreFile core = written.open();
    REQUIRE(core.segments().size() == 2);
    CHECK(core.segments()[0].physical_address == 0x1000000);
    CHECK(core.segments()[0].memory_bytes == 0x1000000);
    CHECK(core.segments()[1].physical_address == 0x2000000);
    CHECK(core.segments()[1].memory_bytes == 0x300000);
    CHECK(core.segments()[1].file_offset == written.built.data_at(1) + 0x100000);
    CHECK(core.end_pfn() == 0x2300);
}

TEST_CASE("memory that the core names but does not hold") {
    const WrittenCore written("ram 0x100000..0x2000000 held 0x1c00800\nelf no_text");
    const CoreFile core = written.open();
    REQUIRE(core.segments().size() == 1);
    CHECK(core.segments()[0].memory_bytes == 0x1f00000);
    CHECK(core.segments()[0].file_bytes == 0x1b00800);
    CHECK(core.end_pfn() == 0x2000);
    CHECK(core.segments()[0].named_bytes == 0x1b00800);
    CHECK(core.doubts().empty());
    // The page that it holds a part of is held; from the next on they were left out when the core was made.
    BitmapPiece present;
    BitmapPiece left_out;
    BitmapPiece held;
    REQUIRE(core.mark_pages(present, left_out, held));
    CHECK(present.count() == 0x1f00);
    CHECK(held.count() == 0x1b01);
    CHECK(left_out.next_set(0) == 0x1c01);
    CHECK(left_out.count() == 0x3ff);
}

TEST_CASE("a physical address that no machine has is passed over") {
    const WrittenCore written(small_machine("elf no_text"));
    written.patch<Elf64_Addr>(first_load + offsetof(Elf64_Phdr, p_paddr), std::uint64_t{1} << 60);
    const CoreFile core = written.open();
    CHECK(core.end_pfn() == 0x1900);
    CHECK(has_doubt(core, "a segment at 0x1000000000000000 cannot be memory, passing it over"));
}
