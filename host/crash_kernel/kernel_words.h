// SPDX-License-Identifier: GPL-2.0-or-later
// What is known about the kernel's words: which of the running kernel's must not reach a crash kernel, which
// a crash kernel is given, and which of these are there to make a stock kernel boot in less memory. Source:
// Linux Documentation/admin-guide/kernel-parameters.txt, and the code that reads each word.
// docs/crash-kernel-memory.md has what the trimming saves, as measured.
#pragma once

#include <span>
#include <string_view>

namespace lifeboat::host {

struct GivenWord {
    std::string_view word; // "numa=off"
    std::string_view reason;
};

// One that a crash kernel can do without, in more memory.
struct TrimmingWord {
    std::string_view word;
    std::string_view reason;
    unsigned saved_kib; // docs/crash-kernel-memory.md; of one that keeps a small reservation from being used
                        // up, as much
};

// Of the running kernel's words: those that belong to its own boot, reserve memory that a crash kernel has
// not, or would end the capture.
bool is_dropped(std::string_view name);

// What a crash kernel needs to come up beside a dead one.
std::span<const GivenWord> needed_words();

// What leaves out parts of the kernel that a capture never needs. Several initcall_blacklist= are one in the
// end; a name that the kernel has not is ignored by it.
std::span<const TrimmingWord> trimming_words();
// The same where no disk has protection information.
extern const TrimmingWord without_integrity;

// Whether both are the same parameter to the kernel.
bool same_parameter(std::string_view name, std::string_view other);

} // namespace lifeboat::host
