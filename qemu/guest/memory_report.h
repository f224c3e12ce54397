// SPDX-License-Identifier: GPL-2.0-or-later
// Where this kernel's memory is when init starts.
#pragma once

namespace guest {

// /proc/meminfo, and the larger slab caches and vmalloc areas, on the console; then the machine reboots.
[[noreturn]] void report_memory();

} // namespace guest
