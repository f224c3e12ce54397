// SPDX-License-Identifier: GPL-2.0-or-later
// The crashed kernel's log, out of its memory: the lockless ring of 5.10 and later, or the record buffer
// before. Source: Linux kernel/printk/printk_ringbuffer.{h,c}, kernel/printk/printk.c; VMCOREINFO names the
// offsets.
#pragma once

#include "base/result.h"
#include "vmcore/core_file.h"

#include <cstdint>
#include <functional>
#include <string_view>

namespace lifeboat {

struct KernelLogSummary {
    std::uint64_t records = 0;
    std::uint64_t damaged_records = 0; // passed over: their place or length cannot be true
    std::uint64_t written_bytes = 0;
};

using TextSink = std::function<Result<>(std::string_view)>;

// Hands the log's lines to `sink` in order, formatted as dmesg does: "[    1.234567] text\n", continuation
// lines prefixed alike. The caller's field is not written: VMCOREINFO does not tell whether the kernel shows
// it. Bounded in time and memory whatever the ring contains. Fails with no_data when the core does not say
// where the log is, with corrupt when the ring's own description cannot be true, or with the sink's error.
Result<KernelLogSummary> extract_kernel_log(const CoreFile& core, const TextSink& sink);

} // namespace lifeboat
