// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/crash_kernel/lent_memory.h"

#include "base/descriptor.h"
#include "base/text.h"
#include "host/crash_kernel/memory_section.h"
#include "vmcore/dump.h"

#include <format>

namespace lifeboat::host {

LentMemory parse_lent_memory(std::string_view ranges) {
    LentMemory lent;
    for (const std::string_view line : split_lines(ranges)) {
        const auto cut = split_key_value(line, '-');
        const auto first = cut ? parse_unsigned(cut->key, 16) : std::nullopt;
        const auto last = cut ? parse_unsigned(cut->value, 16) : std::nullopt;
        if (!first || !last || *last < *first)
            continue;
        lent.bytes += *last - *first + 1;
        lent.sections += count_memory_sections(*first, *last);
    }
    return lent;
}

LentMemory read_lent_memory(const SystemPaths& paths) {
    return parse_lent_memory(read_file(paths.sys + "/kernel/kexec/crash_cma_ranges").value_or(""));
}

bool does_lent_memory_lack(const LentMemory& lent, unsigned level) {
    return lent.bytes > 0 && (level & exclude_user) == 0;
}

std::string lent_memory_text(const LentMemory& lent, unsigned level) {
    const std::string fact =
        std::format("{} MiB of the crash kernel's memory are lent to user space until a panic "
                    "(crashkernel=SIZE,cma)",
                    lent.bytes >> 20);
    if (does_lent_memory_lack(lent, level))
        return std::format(
            "{}: what lies there is in no dump, though level {} is to have user memory; boot with "
            "a fixed crashkernel=SIZE, or take a level that leaves user memory out (8)",
            fact, level);
    return fact + ": a panic waits 10 s for devices that may write there before the crash kernel starts";
}

} // namespace lifeboat::host
