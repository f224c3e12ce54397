// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/address_space.h"

#include <elf.h>

namespace lifeboat {

Result<std::unique_ptr<AddressSpace>> make_address_space(const CoreFile& core) {
    if (core.elf_machine() == EM_X86_64)
        return make_x86_64_address_space(core);
    return fail(ErrorKind::unsupported, "read '{}': ELF machine {} has no page-table walk here", core.path(),
                core.elf_machine());
}

} // namespace lifeboat
