// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/error_text.h"
#include "tests/vmcore/written_core.h"
#include "vmcore/memmap.h"

#include <doctest/doctest.h>

using namespace lifeboat;
using namespace lifeboat::tests;

namespace {

constexpr std::uint64_t vmemmap = 0xffffea0000000000;
constexpr std::uint64_t section_bytes = 0x200000; // of struct pages
constexpr std::string_view two_sections = "ram 0x100000..0x4000000\nram 0x50000000..0x50100000\n";

struct Opened {
    explicit Opened(const WrittenCore& written)
        : core(written.open())
        , memory(KernelMemory::open(core).value())
        , memmap(Memmap::open(core.vmcoreinfo(), core.page_bytes(), memory)) {}
    CoreFile core;
    KernelMemory memory;
    Result<Memmap> memmap;
};

std::string open_error(const WrittenCore& written) {
    return error_text(Opened(written).memmap);
}

} // namespace

TEST_CASE("sections have their struct pages where mem_section says") {
    for (const std::string_view machine : {"kernel 6.1", "kernel 5.10", "vmemmap 4k"}) {
        CAPTURE(machine);
        Opened opened(WrittenCore(std::string(two_sections) + std::string(machine)));
        REQUIRE(opened.memmap);
        CHECK(opened.memmap->pages_per_section() == 32768);
        CHECK(opened.memmap->section_struct_pages(0, opened.memory).value() == vmemmap);
        CHECK(opened.memmap->section_struct_pages(10, opened.memory).value() == vmemmap + 10 * section_bytes);
        for (const std::uint64_t hole : {1UL, 9UL, 11UL, 255UL, 256UL, 1UL << 19, 1UL << 40})
            CHECK(opened.memmap->section_struct_pages(hole, opened.memory).value() == std::nullopt);
    }
}

TEST_CASE("mem_section may be named by the address of its pointer") {
    Opened opened(WrittenCore(two_sections, [](BuiltCore& core) {
        const Place variable{core.place("init_uts_ns").physical + 0x800,
                             core.place("init_uts_ns").virtual_address + 0x800};
        core.memory().put(variable.physical, core.place("mem_section_roots").virtual_address);
        core.set_key("SYMBOL(mem_section)", std::format("{:x}", variable.virtual_address));
    }));
    REQUIRE(opened.memmap);
    CHECK(opened.memmap->section_struct_pages(10, opened.memory).value() == vmemmap + 10 * section_bytes);
}

TEST_CASE("what is not told or cannot be true") {
    for (const std::string_view key : {"SYMBOL(mem_section)", "LENGTH(mem_section)", "SIZE(mem_section)",
                                       "OFFSET(mem_section.section_mem_map)", "SIZE(page)"})
        CHECK(open_error(WrittenCore(small_machine("omit " + std::string(key)))) ==
              "VMCOREINFO does not describe mem_section");
    for (const std::string_view pair :
         {"LENGTH(mem_section)=0", "LENGTH(mem_section)=999999999999", "SIZE(mem_section)=4",
          "SIZE(mem_section)=8192", "OFFSET(mem_section.section_mem_map)=9", "SIZE(page)=8",
          "SIZE(page)=4096", "NUMBER(SECTION_SIZE_BITS)=12", "NUMBER(SECTION_SIZE_BITS)=-1",
          "NUMBER(SECTION_SIZE_BITS)=64"}) {
        CAPTURE(pair);
        CHECK(open_error(WrittenCore(small_machine("set " + std::string(pair)))) ==
              "VMCOREINFO's description of mem_section cannot be true");
    }
    CHECK(open_error(WrittenCore(small_machine("set SYMBOL(mem_section)=ffffffff81002000"))) ==
          "no section of memory can be found through mem_section at 0xffffffff81002000");
    CHECK(open_error(WrittenCore(small_machine("section 0 absent")))
              .starts_with("no section of memory can be found through mem_section at 0xffff8880"));
}

TEST_CASE("a section whose struct pages would be in user space") {
    Opened opened(WrittenCore(two_sections, [](BuiltCore& core) {
        core.memory().put(core.section_entry(10), std::uint64_t{0x00007f000000000f});
    }));
    REQUIRE(opened.memmap);
    const auto result = opened.memmap->section_struct_pages(10, opened.memory);
    CHECK(error_text(result) == "section 10 has its struct pages at 0x7f0001400000, not a kernel address");
    CHECK(result.error().kind == ErrorKind::corrupt);
    CHECK(opened.memmap->section_struct_pages(0, opened.memory).value() == vmemmap);
}
