// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/memory_watch.h"

#include "base/descriptor.h"
#include "base/text.h"

#include <algorithm>

namespace lifeboat {

namespace {

constexpr std::int64_t look_interval_ms = 250;

// "MemTotal:       88680 kB"
std::uint64_t kib_of(std::string_view text, std::string_view key) {
    for (const std::string_view line : split_lines(text)) {
        const auto words = split_words(line);
        if (words.size() >= 2 && words[0] == key)
            return parse_unsigned(words[1]).value_or(0);
    }
    return 0;
}

} // namespace

MemoryInfo parse_memory_info(std::string_view text) {
    return {kib_of(text, "MemTotal:"), kib_of(text, "MemFree:"), kib_of(text, "MemAvailable:")};
}

MemoryInfo MemoryWatch::look() {
    next_look_ = Deadline::after_ms(look_interval_ms);
    const auto text = read_file(proc_ + "/meminfo");
    if (!text)
        return {};
    const MemoryInfo info = parse_memory_info(*text);
    total_kib_ = info.total_kib;
    least_available_kib_ = std::min(least_available_kib_, info.available_kib);
    return info;
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
    return kib_of(read_file(proc_ + "/self/status").value_or(""), "VmHWM:") + largest_child_kib_;
}

} // namespace lifeboat
