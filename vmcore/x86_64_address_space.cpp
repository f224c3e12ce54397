// SPDX-License-Identifier: GPL-2.0-or-later
// Source: Intel SDM volume 3A chapter 4 (paging), AMD APM volume 2 section 7.10 (SME); Linux
// Documentation/arch/x86/x86_64/mm.rst and arch/x86/include/asm/page_64_types.h (__START_KERNEL_map).
#include "vmcore/address_space.h"

#include <cstring>

namespace lifeboat {

namespace {

constexpr std::uint64_t kernel_map_start = 0xffffffff80000000; // the kernel image's mapping
constexpr std::uint64_t entry_present = 1;
constexpr std::uint64_t entry_large = std::uint64_t{1} << 7; // PS: a page of 1 GiB or 2 MiB
constexpr std::uint64_t entry_address_mask = 0x000ffffffffff000;
constexpr unsigned bits_per_level = 9;
constexpr unsigned page_shift = 12;

class X86_64AddressSpace final : public AddressSpace {
public:
    X86_64AddressSpace(std::uint64_t top_table, unsigned levels, std::uint64_t encryption_mask)
        : top_table_(top_table)
        , levels_(levels)
        , encryption_mask_(encryption_mask) {}

    Result<AddressRange> translate(std::uint64_t virtual_address, CoreReader& reader) const override {
        std::uint64_t table = top_table_;
        for (unsigned level = levels_;; --level) {
            const unsigned shift = page_shift + (level - 1) * bits_per_level;
            const std::uint64_t index = virtual_address >> shift & ((1U << bits_per_level) - 1);
            std::uint64_t entry = 0;
            TRY(reader.read(table + index * sizeof(entry), std::as_writable_bytes(std::span(&entry, 1)))
                    .transform_error([&](Error error) {
                        return Error{
                            ErrorKind::corrupt,
                            std::format("translate {:#x}: its table of level {} is said to be at {:#x}: {}",
                                        virtual_address, level, table, error.text)};
                    }));
            if ((entry & entry_present) == 0)
                return fail(ErrorKind::no_data, "translate {:#x}: not mapped (level {})", virtual_address,
                            level);
            const bool is_page = level == 1 || (level <= 3 && (entry & entry_large) != 0);
            const std::uint64_t address = entry & entry_address_mask & ~encryption_mask_;
            if (!is_page) {
                table = address;
                continue;
            }
            const std::uint64_t page_bytes = std::uint64_t{1} << shift;
            // In a large page's entry the bits below its size are flags (PAT) or reserved.
            return AddressRange{virtual_address & ~(page_bytes - 1), address & ~(page_bytes - 1), page_bytes};
        }
    }

private:
    std::uint64_t top_table_; // physical
    unsigned levels_;
    std::uint64_t encryption_mask_;
};

} // namespace

Result<std::unique_ptr<AddressSpace>> make_x86_64_address_space(const CoreFile& core) {
    const Vmcoreinfo& info = core.vmcoreinfo();
    const auto top_table = info.symbol("init_top_pgt").or_else([&] { return info.symbol("swapper_pg_dir"); });
    const auto physical_base = info.number("phys_base");
    if (!top_table || !physical_base)
        return fail(ErrorKind::no_data, "VMCOREINFO lacks {}",
                    top_table ? "NUMBER(phys_base)" : "SYMBOL(init_top_pgt)");
    const unsigned levels = info.number("pgtable_l5_enabled").value_or(0) != 0 ? 5 : 4;
    const auto encryption_mask = static_cast<std::uint64_t>(info.number("sme_mask").value_or(0));
    const std::uint64_t top_physical =
        *top_table - kernel_map_start + static_cast<std::uint64_t>(*physical_base);
    return std::make_unique<X86_64AddressSpace>(top_physical, levels, encryption_mask);
}

} // namespace lifeboat
