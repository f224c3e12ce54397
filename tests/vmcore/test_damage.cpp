// SPDX-License-Identifier: GPL-2.0-or-later
// Ways in which a dead kernel's memory has been damaged, or might be: each ends soon, in a dump that holds
// together, has what the damage did not hide, and says what was doubted.
#include "tests/builders/kdump_reader.h"
#include "tests/vmcore/written_core.h"
#include "vmcore/dump.h"
#include "vmcore/kernel_log.h"

#include <algorithm>
#include <format>

#include <doctest/doctest.h>

using namespace lifeboat;
using namespace lifeboat::tests;

namespace {

constexpr std::uint64_t present = 0x63;
constexpr std::uint64_t vmemmap = 0xffffea0000000000;
constexpr std::uint64_t direct_map = 0xffff888000000000;

// Section 0 gets the damage; of section 1 a free block and page cache are left out, and the rest is kept.
const std::string machine =
    small_machine("ram 0x8000000..0x8100000\nvmemmap 4k\n"
                  "page 0x200 buddy order 3\npage 0x240 anon order 2\npage 0x250..0x258 lru\n"
                  "page 0x8000..0x8010 lru\npage 0x8020 buddy order 5\n"
                  "log \"one\" at 1\nlog \"two\" at 2\n");

enum class Reach : std::uint8_t { section_0, everything };

struct Row {
    std::string_view name;
    std::string_view more; // of the description
    void (*damage)(BuiltCore&);
    std::string_view doubt; // what is in one; empty: there is none
    Reach reach = Reach::section_0;
};

std::uint64_t section_0_at(std::uint64_t virtual_address) {
    return virtual_address | 0xf;
}

const Row rows[] = {
    {"nothing", "", [](BuiltCore&) {}, ""},
    {"the memmap's page table is the top one, again and again", "",
     [](BuiltCore& core) {
         const std::uint64_t top = core.place("init_top_pgt").physical;
         core.memory().put(top, top | present);
         core.memory().put(core.table_entry(vmemmap, 4), top | present);
     },
     "have a struct page that cannot be read, keeping them", Reach::everything},
    {"the memmap's page table is outside of memory", "",
     [](BuiltCore& core) { core.memory().put(core.table_entry(vmemmap, 2), 0x7fffffff000 | present); },
     "have a struct page that cannot be read, keeping them"},
    {"a free block of order 60", "struct_page 0x200 private 60", [](BuiltCore&) {},
     "1 pages (first: pfn 0x200) are said to begin a free block of a size that cannot be, keeping them"},
    {"a free block of an order that overflows", "struct_page 0x200 private 0xffffffffffffffff",
     [](BuiltCore&) {},
     "1 pages (first: pfn 0x200) are said to begin a free block of a size that cannot be, keeping them"},
    {"a free block of order 64: no shift is that wide", "struct_page 0x200 private 64", [](BuiltCore&) {},
     "1 pages (first: pfn 0x200) are said to begin a free block of a size that cannot be, keeping them"},
    {"a folio of order 60", "struct_page 0x240 order 60", [](BuiltCore&) {}, ""},
    {"a folio of order 255", "struct_page 0x240 order 255", [](BuiltCore&) {}, ""},
    {"a folio whose head is its own tail", "struct_page 0x240 compound_info 0xffffea0000009001",
     [](BuiltCore&) {}, ""},
    {"a section whose memmap is the table of sections", "",
     [](BuiltCore& core) {
         core.memory().put(core.section_entry(0), section_0_at(direct_map + core.section_entry(0) / 64 * 64));
     },
     "are heads of folios whose last page is not theirs, judging their other pages by themselves"},
    {"a section whose memmap is itself a memory hole", "",
     [](BuiltCore& core) { core.memory().put(core.section_entry(0), section_0_at(0xffffc90000000000)); },
     "have a struct page that cannot be read, keeping them"},
    {"the table of sections' roots is its own first root", "",
     [](BuiltCore& core) {
         const std::uint64_t roots = core.place("mem_section_roots").physical;
         core.memory().put(roots, direct_map + roots);
     },
     "keeping every page", Reach::everything},
};

} // namespace

TEST_CASE("damage to page tables, struct pages and sections is survived, bounded and told") {
    for (const Row& row : rows) {
        CAPTURE(row.name);
        const WrittenCore written(machine + std::string(row.more), row.damage);
        const CoreFile core = written.open();
        const std::string path = written.folder.path("dump");
        const Descriptor output = open_file(path, O_RDWR | O_CREAT | O_TRUNC, 0600).value();
        const DumpOutcome outcome = write_dump(core, output.get(), {}, [](const DumpProgress&) {});
        CHECK_FALSE(outcome.error);
        const KdumpFile dump(path);
        CHECK(dump.is_complete());
        CHECK(dump.dumped.size() == outcome.summary.dumped_pages);
        // The kernel's own text is in every dump.
        CHECK(std::ranges::contains(dump.dumped, written.built.place("text").physical / page_bytes));
        const auto told = [&](const std::string& doubt) { return doubt.contains(row.doubt); };
        if (row.doubt.empty())
            CHECK(outcome.summary.doubts.empty());
        else
            CHECK(std::ranges::any_of(outcome.summary.doubts, told));
        if (row.reach == Reach::section_0) {
            CHECK_FALSE(std::ranges::contains(dump.dumped, 0x8000U));
            CHECK_FALSE(std::ranges::contains(dump.dumped, 0x803fU));
            CHECK(std::ranges::contains(dump.dumped, 0x8040U));
        }
    }
}

TEST_CASE("a kernel log whose ring points outside is survived, and what is there is read") {
    const auto damaged = [](std::uint64_t place, std::uint64_t value) {
        const WrittenCore written(machine, [=](BuiltCore& core) {
            core.memory().put(core.place("prb_ring").physical + place, value);
        });
        return extract_kernel_log(written.open(), [](std::string_view) { return Result<>{}; });
    };
    using Layout = LocklessRingLayout;
    for (const std::uint64_t outside :
         {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{0xffffc90000000000}})
        for (const std::uint64_t place :
             {Layout::descriptors_at, Layout::infos_at, Layout::text_ring_at + Layout::data_at}) {
            CAPTURE(outside);
            CAPTURE(place);
            const auto summary = damaged(place, outside);
            REQUIRE(summary);
            CHECK(summary->records == 0);
            CHECK(summary->damaged_records > 0);
        }
    // A text that begins outside of the ring.
    const WrittenCore written(machine, [](BuiltCore& core) {
        const std::uint64_t first = core.place("prb_descriptors").physical + Layout::text_block_at;
        for (std::uint64_t i = 0; i < 256; ++i)
            core.memory().put(first + i * Layout::descriptor_bytes, std::uint64_t{0x7ffffffffffffff0});
    });
    const auto summary = extract_kernel_log(written.open(), [](std::string_view) { return Result<>{}; });
    REQUIRE(summary);
    CHECK(summary->records + summary->damaged_records == 2);
}
