// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/memory_watch.h"

#include "base/descriptor.h"

#include <algorithm>

namespace lifeboat {

namespace {

constexpr std::int64_t look_interval_ms = 250;

} // namespace

MemoryInfo MemoryWatch::look() {
    next_look_ = Deadline::after_ms(look_interval_ms);
    const auto info = read_memory_info(proc_ + "/meminfo");
    if (!info)
        return {};
    total_kib_ = info->total_kib;
    least_available_kib_ = std::min(least_available_kib_, info->available_kib);
    return *info;
}

void MemoryWatch::look_when_due() {
    if (next_look_.has_passed())
        look();
}

void MemoryWatch::note_child_peak(std::uint64_t peak_kib) {
    largest_child_kib_ = std::max(largest_child_kib_, peak_kib);
}

std::uint64_t MemoryWatch::least_available_kib() const {
    return least_available_kib_ == UINT64_MAX ? 0 : least_available_kib_;
}

std::uint64_t MemoryWatch::peak_kib() const {
    return parse_kib_line(read_file(proc_ + "/self/status").value_or(""), "VmHWM:") + largest_child_kib_;
}

} // namespace lifeboat
