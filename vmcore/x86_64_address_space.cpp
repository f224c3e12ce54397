// SPDX-License-Identifier: GPL-2.0-or-later
// Source: Intel SDM volume 3A chapter 4 (paging), AMD APM volume 2 section 7.10 (SME); Linux
// Documentation/arch/x86/x86_64/mm.rst and arch/x86/include/asm/page_64_types.h (__START_KERNEL_map).
#include "vmcore/address_space.h"

#include <algorithm>

namespace lifeboat {

namespace {

constexpr std::uint64_t kernel_map_start = 0xffffffff80000000; // the kernel image's mapping
constexpr std::int64_t default_kernel_map_bytes = 512 << 20;   // KERNEL_IMAGE_SIZE without KASLR
constexpr std::int64_t kernel_map_limit_bytes = 1 << 30;
// Of a sound kernel one of each level is enough.
constexpr unsigned tables_searched = 1024;
constexpr std::uint64_t kernel_map_step = std::uint64_t{2} << 20;
constexpr std::uint64_t entry_present = 1;
constexpr std::uint64_t entry_large = std::uint64_t{1} << 7; // PS: a page of 1 GiB or 2 MiB
constexpr std::uint64_t entry_address_mask = 0x000ffffffffff000;
constexpr unsigned bits_per_level = 9;
constexpr unsigned page_shift = 12;

class X86_64AddressSpace final : public AddressSpace {
public:
    struct Layout {
        std::uint64_t physical_base; // where the kernel image's mapping begins
        std::uint64_t kernel_map_bytes;
        unsigned levels;
        std::uint64_t encryption_mask;
    };
    X86_64AddressSpace(std::uint64_t top_table, const Layout& layout)
        : top_table_(top_table)
        , physical_base_(layout.physical_base)
        , kernel_map_bytes_(layout.kernel_map_bytes)
        , levels_(layout.levels)
        , encryption_mask_(layout.encryption_mask) {}

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

    // Of all that the kernel maps it is the lowest, also where KASLR has moved it: page_offset_base comes
    // before vmalloc_base and vmemmap_base (arch/x86/mm/kaslr.c).
    Result<std::uint64_t> find_direct_map(CoreReader& reader) const override {
        unsigned tables_left = tables_searched;
        const AddressRange lowest =
            TRY(find_lowest(reader, top_table_, levels_, kernel_half(levels_), tables_left));
        return lowest.virtual_address - lowest.physical_address;
    }

    // Modules are mapped behind the kernel, each of their pages for itself: what is at its own offset is the
    // kernel's.
    Result<AddressRange> find_kernel_image(CoreReader& reader) const override {
        AddressRange image{0, 0, 0};
        for (std::uint64_t into = 0; into < kernel_map_bytes_;) {
            const auto range = translate(kernel_map_start + into, reader);
            const std::uint64_t range_into = range ? range->virtual_address - kernel_map_start : into;
            if (range && range->physical_address == physical_base_ + range_into) {
                if (image.bytes == 0)
                    image = *range;
                image.bytes = range->virtual_address + range->bytes - image.virtual_address;
            }
            into = range ? range_into + range->bytes : (into / kernel_map_step + 1) * kernel_map_step;
        }
        if (image.bytes == 0)
            return fail(ErrorKind::no_data, "find the kernel image: nothing is mapped where it should be");
        return image;
    }

private:
    // The half of the address space that is the kernel's.
    static std::uint64_t kernel_half(unsigned levels) {
        return ~std::uint64_t{0} << (page_shift + levels * bits_per_level - 1);
    }

    // The first entry of a table, and of those below it, that is present; of the top table only in the
    // kernel's half. A table that cannot be read counts as empty; not more than `tables_left` are looked at.
    Result<AddressRange> find_lowest(CoreReader& reader, std::uint64_t table, unsigned level,
                                     std::uint64_t virtual_address, unsigned& tables_left) const {
        constexpr std::size_t entries = 1U << bits_per_level;
        const unsigned shift = page_shift + (level - 1) * bits_per_level;
        const std::uint64_t page_bytes = std::uint64_t{1} << shift;
        if (tables_left == 0)
            return fail(ErrorKind::corrupt, "find the direct map: the page tables have no end");
        --tables_left;
        for (std::size_t index = level == levels_ ? entries / 2 : 0; index < entries; ++index) {
            std::uint64_t entry = 0;
            TRY(reader.read(table + index * sizeof(entry), std::as_writable_bytes(std::span(&entry, 1))));
            if ((entry & entry_present) == 0)
                continue;
            const std::uint64_t address = entry & entry_address_mask & ~encryption_mask_;
            const std::uint64_t start = virtual_address | index << shift;
            if (level == 1 || (level <= 3 && (entry & entry_large) != 0))
                return AddressRange{start, address & ~(page_bytes - 1), page_bytes};
            if (auto lowest = find_lowest(reader, address, level - 1, start, tables_left))
                return lowest;
        }
        return fail(ErrorKind::no_data, "find the direct map: nothing is mapped below {:#x}",
                    virtual_address);
    }

    std::uint64_t top_table_; // physical
    std::uint64_t physical_base_;
    std::uint64_t kernel_map_bytes_;
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
    const std::int64_t kernel_map_bytes =
        std::clamp(info.number("KERNEL_IMAGE_SIZE").value_or(default_kernel_map_bytes), std::int64_t{0},
                   kernel_map_limit_bytes);
    const X86_64AddressSpace::Layout layout{
        .physical_base = static_cast<std::uint64_t>(*physical_base),
        .kernel_map_bytes = static_cast<std::uint64_t>(kernel_map_bytes),
        .levels = info.number("pgtable_l5_enabled").value_or(0) != 0 ? 5U : 4U,
        .encryption_mask = static_cast<std::uint64_t>(info.number("sme_mask").value_or(0)),
    };
    return std::make_unique<X86_64AddressSpace>(*top_table - kernel_map_start + layout.physical_base, layout);
}

} // namespace lifeboat
