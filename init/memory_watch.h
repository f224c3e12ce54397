// SPDX-License-Identifier: GPL-2.0-or-later
// How much memory there is, and the least that was available at any time we looked.
// Source: Linux Documentation/filesystems/proc.rst, VmHWM of /proc/PID/status.
#pragma once

#include "base/clock.h"
#include "base/memory_info.h"

#include <cstdint>
#include <string>

namespace lifeboat {

class MemoryWatch {
public:
    explicit MemoryWatch(std::string proc)
        : proc_(std::move(proc)) {}

    MemoryInfo look();
    // The same, at most four times a second.
    void look_when_due();
    void note_child_peak(std::uint64_t peak_kib);

    [[nodiscard]] std::uint64_t total_kib() const { return total_kib_; }
    [[nodiscard]] std::uint64_t least_available_kib() const;
    // PID 1 and the largest of its children, which run one at a time: an upper bound, for what the two share
    // counts twice.
    [[nodiscard]] std::uint64_t peak_kib() const;

private:
    std::string proc_;
    std::uint64_t total_kib_ = 0;
    std::uint64_t least_available_kib_ = UINT64_MAX;
    std::uint64_t largest_child_kib_ = 0;
    Deadline next_look_ = Deadline::after_ms(0);
};

} // namespace lifeboat
