// SPDX-License-Identifier: GPL-2.0-or-later
// The hardware watchdog, where there is one. PID 1 keeps it fed while a stage is within its limits, which PID
// 1 itself enforces: so it bites when PID 1 or the kernel stands still, and after the overall deadline.
// Source: Linux Documentation/watchdog/watchdog-api.rst.
#pragma once

#include "base/clock.h"
#include "base/descriptor.h"
#include "stages/system_paths.h"

namespace lifeboat {

class Watchdog {
public:
    Watchdog() = default; // none
    // Opening starts it. Without a device all of this does nothing.
    static Watchdog open(const SystemPaths& paths, int timeout_s);

    [[nodiscard]] bool is_there() const { return device_.is_open(); }
    void feed(); // at most once a second, however often it is called
    // For a machine that is to stand still: closes it so that it does not bite.
    void put_to_sleep();

private:
    explicit Watchdog(Descriptor device)
        : device_(std::move(device)) {}
    Descriptor device_;
    Deadline next_feed_ = Deadline::after_ms(0);
};

} // namespace lifeboat
