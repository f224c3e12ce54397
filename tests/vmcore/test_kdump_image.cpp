// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/builders/kdump_reader.h"
#include "tests/error_text.h"
#include "tests/vmcore/written_core.h"
#include "tests/vmcore/written_dump.h"
#include "vmcore/core_reader.h"
#include "vmcore/dump.h"

#include <algorithm>
#include <format>

#include <doctest/doctest.h>
#include <elf.h>

using namespace lifeboat;
using namespace lifeboat::tests;

namespace {

constexpr std::string_view machine = R"(
ram 0x1000..0x9f000
ram 0x100000..0x1c00000
ram 0x8000000..0x8400000
fill 0x1..0x20 text "words that compress "
fill 0x20..0x40 random
fill 0x100..0x180 text "other words "
fill 0x8000..0x8100 random
page 0x10..0x18 lru
page 0x110 anon
page 0x400 buddy order 8
page 0x8100 buddy order 8
log "Linux version" at 0
)";

bool same(std::span<const std::byte> bytes, const PageBytes& page) {
    return std::ranges::equal(bytes, page);
}

std::uint64_t pages_that_differ(const WrittenDump& written, const CoreFile& core) {
    CoreReader reader(core);
    std::uint64_t different = 0;
    for (const std::uint64_t pfn : written.dumped) {
        const auto page = reader.view_page(pfn);
        if (!page || !same(*page, written.built.page(pfn)))
            ++different;
    }
    return different;
}

DumpOutcome refilter(const CoreFile& core, const std::string& path, unsigned level) {
    const Descriptor output = open_file(path, O_RDWR | O_CREAT | O_TRUNC, 0600).value();
    return write_dump(core, output.get(), {.level = level}, [](const DumpProgress&) {});
}

} // namespace

TEST_CASE("dumps of every version and method are read") {
    // Each version, and each method with the newest: all pairs would take minutes with sanitizers.
    for (const std::int32_t version : {1, 2, 3, 4, 5, 6})
        for (const std::uint32_t flags : {0x0U, 0x1U, 0x2U, 0x20U}) {
            if (version < 6 && flags != 0x1)
                continue;
            CAPTURE(version);
            CAPTURE(flags);
            const WrittenDump written(machine, {.version = version, .flags = flags, .level = 31});
            const CoreFile core = written.open();
            CHECK(core.doubts().size() == (version < 3 ? 1 : 0));
            CHECK(core.level() == 31);
            CHECK(core.elf_machine() == EM_X86_64);
            CHECK(core.page_bytes() == 4096);
            CHECK(core.end_pfn() == 0x8400);
            CHECK(core.cpu_count() == 5);
            CHECK(core.vmcoreinfo().text() == (version < 3 ? "" : written.built.vmcoreinfo()));
            REQUIRE(core.kdump() != nullptr);
            CHECK(core.kdump()->header_version == version);
            CHECK(pages_that_differ(written, core) == 0);
        }
}

TEST_CASE("a dump whose sub header has VMCOREINFO alone gets a note for it") {
    const WrittenDump written(machine, {.has_notes = false});
    const CoreFile core = written.open();
    CHECK(core.doubts().empty());
    CHECK(core.vmcoreinfo().text() == written.built.vmcoreinfo());
    const std::string_view notes(reinterpret_cast<const char*>(core.notes().data()), core.notes().size());
    CHECK(notes.substr(core.vmcoreinfo_notes_offset()).starts_with(written.built.vmcoreinfo()));
}

TEST_CASE("headers that cannot be true, or that are not for us, are refused, exactly") {
    const struct {
        std::string_view what;
        std::function<void(const WrittenDump&)> damage;
        std::string_view text; // {0}: the path
        ErrorKind kind;
    } table[] = {
        {"flattened",
         [](const WrittenDump& dump) {
             for (std::uint64_t i = 0; i < 12; ++i)
                 dump.patch(i, "makedumpfile"[i]);
         },
         "read '{0}': a flattened dump; 'makedumpfile -R DUMP < {0}' makes a dump of it",
         ErrorKind::unsupported},
        {"version 0", [](const WrittenDump& dump) { dump.patch(8, 0); },
         "read '{0}': version 0 of the dump's header is not known", ErrorKind::unsupported},
        {"version 7", [](const WrittenDump& dump) { dump.patch(8, 7); },
         "read '{0}': version 7 of the dump's header is not known", ErrorKind::unsupported},
        {"blocks of no size", [](const WrittenDump& dump) { dump.patch(428, 0); },
         "read '{0}': blocks of 0 bytes", ErrorKind::corrupt},
        {"odd blocks", [](const WrittenDump& dump) { dump.patch(428, 5000); },
         "read '{0}': blocks of 5000 bytes", ErrorKind::corrupt},
        {"huge blocks", [](const WrittenDump& dump) { dump.patch(428, 1 << 30); },
         "read '{0}': blocks of 1073741824 bytes", ErrorKind::corrupt},
        {"negative blocks", [](const WrittenDump& dump) { dump.patch(428, INT32_MIN); },
         "read '{0}': blocks of -2147483648 bytes", ErrorKind::corrupt},
        {"no sub header", [](const WrittenDump& dump) { dump.patch(432, 0); },
         "read '{0}': a sub header of 0 blocks", ErrorKind::corrupt},
        {"a sub header that fills all", [](const WrittenDump& dump) { dump.patch(432, INT32_MAX); },
         "read '{0}': it ends at {1:#x}, before its bitmaps do at 0x80000004000", ErrorKind::no_data},
        {"snappy", [](const WrittenDump& dump) { dump.patch(424, 0x4); },
         "read '{0}': its pages are compressed with snappy, which is not supported", ErrorKind::unsupported},
        {"split", [](const WrittenDump& dump) { dump.patch(4096 + 12, 1); },
         "read '{0}': one part of a split dump; 'makedumpfile --reassemble' joins them",
         ErrorKind::unsupported},
        {"more pages than bits", [](const WrittenDump& dump) { dump.patch(4096 + 96, 70000UL); },
         "read '{0}': bitmaps of 4 blocks for 70000 pages", ErrorKind::corrupt},
        {"pages without end", [](const WrittenDump& dump) { dump.patch(4096 + 96, UINT64_MAX); },
         "read '{0}': bitmaps of 4 blocks for 18446744073709551615 pages", ErrorKind::corrupt},
        {"no bitmaps", [](const WrittenDump& dump) { dump.patch(436, 0); },
         "read '{0}': bitmaps of 0 blocks for 33792 pages", ErrorKind::corrupt},
        {"cut in its header", [](const WrittenDump& dump) { dump.truncate(400); },
         "read 64 bytes of '{0}' at 0x190: the file ends there", ErrorKind::no_data},
        {"cut in its bitmaps", [](const WrittenDump& dump) { dump.truncate(dump.descriptors_at - 1); },
         "read '{0}': it ends at 0x6fff, before its bitmaps do at 0x7000", ErrorKind::no_data},
    };
    for (const auto& [what, damage, text, kind] : table) {
        CAPTURE(what);
        const WrittenDump dump(machine);
        damage(dump);
        const auto result = CoreFile::open(dump.path());
        const std::string path = dump.path();
        CHECK(error_text(result) == std::vformat(text, std::make_format_args(path, dump.file_bytes)));
        if (!result)
            CHECK(result.error().kind == kind);
    }
}

TEST_CASE("what is wrong with a page is that page's error") {
    const struct {
        std::string_view what;
        std::function<void(const WrittenDump&, std::uint64_t)> damage; // of the descriptor at that offset
        std::string_view text;
        ErrorKind kind;
    } table[] = {
        {"no data", [](const WrittenDump& dump, std::uint64_t at) { dump.patch(at + 8, 0U); },
         "its data has 0 bytes", ErrorKind::corrupt},
        {"more than a page", [](const WrittenDump& dump, std::uint64_t at) { dump.patch(at + 8, 4097U); },
         "its data has 4097 bytes", ErrorKind::corrupt},
        {"nowhere", [](const WrittenDump& dump, std::uint64_t at) { dump.patch(at, 0UL); },
         "its data is said to be at 0x0, the file ends at {:#x}", ErrorKind::corrupt},
        {"in the bitmaps", [](const WrittenDump& dump, std::uint64_t at) { dump.patch(at, 0x4000UL); },
         "its data is said to be at 0x4000, the file ends at {:#x}", ErrorKind::corrupt},
        {"past the end", [](const WrittenDump& dump, std::uint64_t at) { dump.patch(at, 1UL << 63); },
         "its data is said to be at 0x8000000000000000, the file ends at {:#x}", ErrorKind::corrupt},
        {"before the end of all", [](const WrittenDump& dump, std::uint64_t at) { dump.patch(at, ~0UL); },
         "its data is said to be at 0xffffffffffffffff, the file ends at {:#x}", ErrorKind::corrupt},
        {"not compressed and short",
         [](const WrittenDump& dump, std::uint64_t at) {
             dump.patch(at + 8, 100U);
             dump.patch(at + 12, 0U);
         },
         "a page that is not compressed has 100 bytes", ErrorKind::corrupt},
        {"by an unknown method", [](const WrittenDump& dump, std::uint64_t at) { dump.patch(at + 12, 0x4U); },
         "a page is compressed with an unknown method (flags 0x4)", ErrorKind::unsupported},
        {"not of that method",
         [](const WrittenDump& dump, std::uint64_t at) {
             dump.patch(at + 8, 77U);
             dump.patch(at + 12, 0x20U);
         },
         "decompress 77 bytes of zstd: they do not become a page of 4096 bytes", ErrorKind::corrupt},
    };
    for (const auto& [what, damage, text, kind] : table) {
        CAPTURE(what);
        const WrittenDump dump(machine, {.flags = 0x1});
        damage(dump, dump.descriptor_at(0x110));
        const CoreFile core = dump.open();
        CoreReader reader(core);
        const auto result = reader.view_page(0x110);
        CHECK(error_text(result) == std::format("read '{}': page 0x110: ", dump.path()) +
                                        std::vformat(text, std::make_format_args(dump.file_bytes)));
        if (!result)
            CHECK(result.error().kind == kind);
        CHECK(pages_that_differ(dump, core) == 1);
    }
}

TEST_CASE("pages that are not in the dump") {
    const WrittenDump dump(machine, {.level = 31});
    const CoreFile core = dump.open();
    CoreReader reader(core);
    for (const std::uint64_t pfn : {0x0UL, 0x10UL, 0xffUL, 0x110UL, 0x2000UL, 0x8400UL, UINT64_MAX / 4096}) {
        const auto result = reader.view_page(pfn);
        CHECK(error_text(result) ==
              std::format("read '{}': page {:#x}: it is not in the dump", dump.path(), pfn));
        if (!result)
            CHECK(result.error().kind == ErrorKind::no_data);
    }
}

TEST_CASE("views hold while others are looked at, and end with their page") {
    const WrittenDump dump(machine, {.flags = 0x1});
    const CoreFile core = dump.open();
    CoreReader reader(core);
    const auto first = reader.view(0x101234, 1 << 20).value();
    CHECK(first.size() == 4096 - 0x234);
    const std::vector<std::byte> copy(first.begin(), first.end());
    for (const std::uint64_t physical : {0x2000UL, 0x102000UL, 0x8000000UL})
        (void)reader.view(physical, 8).value();
    CHECK(std::ranges::equal(first, copy));
    std::vector<std::byte> across(64);
    REQUIRE(reader.read(0x102000 - 32, across));
    CHECK(across[31] == dump.built.page(0x101)[4095]);
    CHECK(across[32] == dump.built.page(0x102)[0]);
}

TEST_CASE("an incomplete dump is read as far as it goes") {
    const WrittenDump dump(machine, {.flags = 0x1, .more_status = 0x8});
    dump.patch(dump.descriptor_at(0x110), 0UL);
    const CoreFile core = dump.open();
    CHECK(core.doubts() ==
          std::vector{
              std::format("'{}' says that it is incomplete, reading it as far as it goes", dump.path())});
    CoreReader reader(core);
    CHECK(error_text(reader.view_page(0x110)) ==
          std::format("read '{}': page 0x110: it was lost, the dump is incomplete", dump.path()));
    CHECK(pages_that_differ(dump, core) == 1);

    const std::string path = dump.folder.path("again");
    const DumpOutcome outcome = refilter(core, path, 0);
    REQUIRE_FALSE(outcome.error);
    CHECK(outcome.summary.unreadable_pages == 1);
    CHECK(KdumpFile(path).dumped.size() == dump.dumped.size() - 1);
}

TEST_CASE("a dump that ends within its descriptors") {
    const WrittenDump dump(machine);
    dump.truncate(dump.descriptors_at + 24 * 10);
    const CoreFile core = dump.open();
    CHECK(core.doubts() ==
          std::vector{std::format("'{}' is truncated: it ends at {:#x}, before its page descriptors do at "
                                  "{:#x}, reading it as far as it goes",
                                  dump.path(), dump.descriptors_at + 240,
                                  dump.descriptors_at + 24 * dump.dumped.size())});
    CHECK(pages_that_differ(dump, core) == dump.dumped.size());
}

TEST_CASE("a header without a machine is taken for x86_64, one of another is said to be it") {
    CHECK(WrittenDump(machine, {.machine = ""}).open().doubts() ==
          std::vector<std::string>{"the header does not name the machine, taking it for x86_64"});
    CHECK(WrittenDump(machine, {.machine = "aarch64"}).open().elf_machine() == EM_AARCH64);
    CHECK(WrittenDump(machine, {.machine = "vax"}).open().elf_machine() == EM_NONE);
}

TEST_CASE("a refiltered dump is what filtering the core itself gives") {
    const WrittenCore core(machine);
    for (const unsigned level_before : {0U, 16U})
        for (const unsigned level : {0U, 8U, 31U}) {
            CAPTURE(level_before);
            CAPTURE(level);
            const WrittenDump before(machine, {.flags = 0x2, .level = level_before});
            const DumpOutcome again = refilter(before.open(), before.folder.path("again"), level);
            const DumpOutcome direct =
                refilter(core.open(), core.folder.path("direct"), level | level_before);
            REQUIRE_FALSE(again.error);
            REQUIRE_FALSE(direct.error);
            CHECK(again.summary.doubts.empty());
            CHECK(again.summary.unreadable_pages == 0);
            CHECK(again.summary.present_pages == direct.summary.present_pages);
            CHECK(again.summary.left_out_pages == direct.summary.present_pages - before.dumped.size());
            CHECK(again.summary.pages_by_class == direct.summary.pages_by_class);
            const KdumpFile file(before.folder.path("again"));
            const KdumpFile expected(core.folder.path("direct"));
            CHECK(file.dump_level == static_cast<int>(level | level_before));
            CHECK(file.present == expected.present);
            CHECK(file.dumped == expected.dumped);
            CHECK(file.vmcoreinfo == expected.vmcoreinfo);
            CHECK(file.crash_time == expected.crash_time);
            std::uint64_t different = 0;
            for (std::size_t i = 0; i < file.dumped.size(); ++i)
                different += file.page(i) == expected.page(i) ? 0 : 1;
            CHECK(different == 0);
        }
}

TEST_CASE("what the memory does not tell any more is carried on from the header") {
    const WrittenDump before(std::string(machine) + "omit SYMBOL(init_uts_ns)\nomit CRASHTIME",
                             {.flags = 0x20, .has_notes = false});
    const std::string path = before.folder.path("again");
    REQUIRE_FALSE(refilter(before.open(), path, 0).error);
    const KdumpFile file(path);
    CHECK(file.node_name == "dumphost");
    CHECK(file.release == "6.1.0-dump");
    CHECK(file.crash_time == 1700000001);
    CHECK(file.cpu_count == 5);
}
