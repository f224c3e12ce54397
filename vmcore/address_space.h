// SPDX-License-Identifier: GPL-2.0-or-later
// The dead kernel's page tables: virtual address to physical address. One implementation for each
// architecture, behind this interface.
#pragma once

#include "base/result.h"
#include "vmcore/core_file.h"
#include "vmcore/core_reader.h"

#include <cstdint>
#include <memory>

namespace lifeboat {

// `bytes` bytes from `virtual_address` lie at `physical_address` in one piece: one page-table entry's reach.
struct AddressRange {
    std::uint64_t virtual_address;
    std::uint64_t physical_address;
    std::uint64_t bytes;
};

class AddressSpace {
public:
    virtual ~AddressSpace() = default;

    // The entry that maps `virtual_address`. Fails with no_data where nothing is mapped, with corrupt where a
    // table's address cannot be true. Bounded: one read for each level.
    virtual Result<AddressRange> translate(std::uint64_t virtual_address, CoreReader& reader) const = 0;

    // Where the kernel has all of physical memory in one piece: the virtual address of physical address 0.
    virtual Result<std::uint64_t> find_direct_map(CoreReader& reader) const = 0;
    // Where it has itself, apart from that. Fails with no_data where nothing is mapped there.
    virtual Result<AddressRange> find_kernel_image(CoreReader& reader) const = 0;
};

// That of the core's machine and kernel. Fails with unsupported for a machine that is not known, with no_data
// where VMCOREINFO does not say where the tables are.
Result<std::unique_ptr<AddressSpace>> make_address_space(const CoreFile& core);
// arch/x86: 4 and 5 levels, KASLR, SME.
Result<std::unique_ptr<AddressSpace>> make_x86_64_address_space(const CoreFile& core);

} // namespace lifeboat
