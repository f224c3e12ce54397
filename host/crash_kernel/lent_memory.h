// SPDX-License-Identifier: GPL-2.0-or-later
// crashkernel=SIZE,cma (6.17 and later): memory that the crash kernel gets besides the fixed reservation, and
// that is lent to user space until then. What lies in it is not in the vmcore, and the panic waits 10 s for
// devices that may still write there. Source: Linux Documentation/admin-guide/kdump/kdump.rst,
// kernel/crash_core.c.
#pragma once

#include "stages/system_paths.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace lifeboat::host {

struct LentMemory {
    std::uint64_t bytes = 0;
    unsigned sections = 0; // of memory, 128 MiB of addresses each, that it lies in
};

// Of crash_cma_ranges: lines `FIRST-LAST`, in hexadecimal. Lines of another form are passed over.
LentMemory parse_lent_memory(std::string_view ranges);
// Nothing lent where the kernel does not tell.
LentMemory read_lent_memory(const SystemPaths& paths);

// What it means at this dump level, a sentence that ends in what to do; and whether the dump is the poorer
// for it.
std::string lent_memory_text(const LentMemory& lent, unsigned level);
bool does_lent_memory_lack(const LentMemory& lent, unsigned level);

} // namespace lifeboat::host
