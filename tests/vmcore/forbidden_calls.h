// SPDX-License-Identifier: GPL-2.0-or-later
// Makes system calls fail in a thread, by seccomp: a file that cannot be mapped, places in it that cannot be
// read. Threads started from that thread inherit it.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace lifeboat::tests {

struct ForbiddenCalls {
    bool shared_mappings = false; // mmap(MAP_SHARED) fails with ENODEV
    // pread() fails with EIO that begins at one of these offsets, or that begins at the start of their 128
    // KiB and is for more than a page.
    std::vector<std::uint64_t> unreadable_offsets;
};

// Runs `action` in a thread of its own with these calls failing; what it throws is thrown on.
void with_forbidden_calls(const ForbiddenCalls& forbidden, const std::function<void()>& action);

} // namespace lifeboat::tests
