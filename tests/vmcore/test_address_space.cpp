// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/error_text.h"
#include "tests/vmcore/written_core.h"
#include "vmcore/address_space.h"
#include "vmcore/kernel_memory.h"

#include <format>

#include <doctest/doctest.h>

using namespace lifeboat;
using namespace lifeboat::tests;

namespace {

constexpr std::uint64_t kernel = 0xffffffff81000000;
constexpr std::uint64_t kernel_shifted = kernel + 0x14000000;
constexpr std::uint64_t direct_map = 0xffff888000000000;
constexpr std::uint64_t direct_map_5 = 0xff11000000000000;

Result<AddressRange> translate(const WrittenCore& written, std::uint64_t address) {
    const CoreFile core = written.open();
    CoreReader reader(core);
    return TRY(make_address_space(core))->translate(address, reader);
}

} // namespace

TEST_CASE("pages of each size are found, with 4 and 5 levels, KASLR and memory encryption") {
    const struct {
        std::string_view machine;
        std::uint64_t kernel;
        std::uint64_t direct;
        std::uint64_t kernel_at;
    } table[] = {
        {"machine levels 4", kernel, direct_map, 0x1000000},
        {"machine levels 5", kernel, direct_map_5, 0x1000000},
        {"machine levels 4 kernel_at 0x1200000 kaslr 0x14000000", kernel_shifted, direct_map, 0x1200000},
        {"machine levels 4 sme 0x800000000000", kernel, direct_map, 0x1000000},
        {"machine levels 5 sme 0x8000000000000 kaslr 0x14000000", kernel_shifted, direct_map_5, 0x1000000},
    };
    for (const auto& row : table) {
        CAPTURE(row.machine);
        const WrittenCore written("ram 0x100000..0x4000000\n" + std::string(row.machine));
        const AddressRange small = translate(written, row.kernel + 0x2345).value();
        CHECK(small.virtual_address == row.kernel + 0x2000);
        CHECK(small.physical_address == row.kernel_at + 0x2000);
        CHECK(small.bytes == 4096);
        const AddressRange large = translate(written, row.kernel + 0x212345).value();
        CHECK(large.virtual_address == row.kernel + 0x200000);
        CHECK(large.physical_address == row.kernel_at + 0x200000);
        CHECK(large.bytes == 2 << 20);
        const AddressRange giant = translate(written, row.direct + 0x123456).value();
        CHECK(giant.virtual_address == row.direct);
        CHECK(giant.physical_address == 0);
        CHECK(giant.bytes == 1 << 30);
    }
}

TEST_CASE("what is not mapped, at each level") {
    const WrittenCore written(small_machine());
    const struct {
        std::uint64_t address;
        unsigned level;
    } table[] = {
        {0, 4},
        {0xffff900000000000, 4},
        {direct_map + (std::uint64_t{5} << 30), 3},
        {kernel + 0x800000, 2},
        {~std::uint64_t{0}, 3},
    };
    for (const auto& [address, level] : table) {
        const auto result = translate(written, address);
        CHECK(error_text(result) == std::format("translate {:#x}: not mapped (level {})", address, level));
        CHECK(result.error().kind == ErrorKind::no_data);
    }
    const WrittenCore holed(small_machine(), [](BuiltCore& core) {
        core.memory().put(core.table_entry(kernel + 0x5000, 1), std::uint64_t{0});
    });
    CHECK(error_text(translate(holed, kernel + 0x5fff)) ==
          "translate 0xffffffff81005fff: not mapped (level 1)");
}

TEST_CASE("tables that are nowhere, or that loop, end the walk") {
    SUBCASE("out of range") {
        const WrittenCore written(small_machine(), [](BuiltCore& core) {
            core.memory().put(core.table_entry(kernel, 2), std::uint64_t{0x7fffffff063});
        });
        const auto result = translate(written, kernel + 0x1000);
        CHECK(
            error_text(result) ==
            std::format("translate 0xffffffff81001000: its table of level 1 is said to be at 0x7fffffff000: "
                        "read '{}': no memory at physical address 0x7fffffff008",
                        written.path()));
        CHECK(result.error().kind == ErrorKind::corrupt);
    }
    SUBCASE("the top table is nowhere") {
        const WrittenCore written(small_machine("set SYMBOL(init_top_pgt)=ffffffffa0000000"));
        CHECK(error_text(translate(written, kernel)) ==
              std::format("translate 0xffffffff81000000: its table of level 4 is said to be at 0x20000000: "
                          "read '{}': no memory at physical address 0x20000ff8",
                          written.path()));
    }
    SUBCASE("a table that points to itself") {
        const WrittenCore written(small_machine(), [](BuiltCore& core) {
            const std::uint64_t top = core.place("init_top_pgt").physical;
            for (std::uint64_t i = 0; i < 512; ++i)
                core.memory().put(top + i * 8, top | 0x63);
        });
        // After all its levels a walk has a page, whichever that is.
        CHECK(translate(written, kernel).value().bytes == 4096);
    }
    SUBCASE("all ones") {
        const WrittenCore written(small_machine(), [](BuiltCore& core) {
            core.memory().put(core.table_entry(kernel, 2), ~std::uint64_t{0});
        });
        CHECK(translate(written, kernel).value().physical_address == 0xfffffffe00000);
    }
}

TEST_CASE("what VMCOREINFO or the machine do not tell") {
    CHECK(error_text(translate(WrittenCore(small_machine("omit SYMBOL(init_top_pgt)")), kernel)) ==
          "VMCOREINFO lacks SYMBOL(init_top_pgt)");
    CHECK(error_text(translate(WrittenCore(small_machine("omit NUMBER(phys_base)")), kernel)) ==
          "VMCOREINFO lacks NUMBER(phys_base)");
    // The name it had before 4.20.
    const WrittenCore old(
        small_machine("omit SYMBOL(init_top_pgt)\nset SYMBOL(swapper_pg_dir)=ffffffff81001000"));
    CHECK(translate(old, kernel).value().physical_address == 0x1000000);
    const WrittenCore other(small_machine());
    other.patch<std::uint16_t>(18, 22); // S390
    const auto result = translate(other, kernel);
    CHECK(error_text(result) ==
          std::format("read '{}': ELF machine 22 has no page-table walk here", other.path()));
    CHECK(result.error().kind == ErrorKind::unsupported);
}

TEST_CASE("virtual memory reads across pages of different sizes") {
    const WrittenCore written(small_machine(), [](BuiltCore& core) {
        core.memory().write(0x11ffff0, std::string_view("from a small page into a large one"));
    });
    const CoreFile core = written.open();
    KernelMemory memory = KernelMemory::open(core).value();
    CHECK(memory.read_string(kernel + 0x1ffff0, 100).value() == "from a small page into a large one");
    CHECK(memory.read_string(kernel + 0x1ffff0, 17).value() == "from a small page");
    CHECK(memory.read_value<char>(kernel + 0x200000).value() == 'e');
    CHECK(memory.view(kernel + 0x1ffff0, 100).value().size() == 16);
    CHECK(error_text(memory.read_value<std::uint64_t>(kernel + 0x400000 - 4)) ==
          "translate 0xffffffff81400000: not mapped (level 2)");
}
