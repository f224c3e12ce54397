// SPDX-License-Identifier: GPL-2.0-or-later
// Gives the machine memory worth dumping: page cache with and without buffers, anonymous and huge pages,
// hugetlb, merged pages, tmpfs, slab, swap cache, pages marked as failed where the kernel can, and freed
// pages that still hold what was in them. Everything is sized from MemTotal; together about two thirds of it.
#pragma once

namespace guest {

// Children that hold memory go on sleeping when it returns. "disk" is a mounted file system to put files on.
void load_memory(const char* disk);

// Fills free memory and frees it again.
void leave_traces();

} // namespace guest
