// SPDX-License-Identifier: GPL-2.0-or-later
// The console, which may be missing, slow or blocked (a serial line with flow control): PID 1 never waits for
// it. Lines go to a bounded queue and out as the device takes them.
#pragma once

#include "base/clock.h"
#include "base/descriptor.h"
#include "stages/system_paths.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace lifeboat {

class Console {
public:
    // /dev/console, else /dev/kmsg, else nothing at all: then lines are dropped.
    static Console open(const SystemPaths& paths);
    // For tests: takes a descriptor that is non-blocking.
    static Console on(Descriptor device) { return Console(std::move(device), Kind::terminal); }

    // Printed as "lifeboat: LINE", printable ASCII only.
    void write_line(std::string_view line);

    // Writes what the device takes without waiting.
    void write_pending();
    [[nodiscard]] bool has_pending() const { return !queue_.empty(); }
    [[nodiscard]] int fd() const { return device_.get(); }

    // Waits until the queue is out, as long as the device takes some within `patience_ms` each time.
    void flush(std::int64_t patience_ms, Deadline deadline);

private:
    enum class Kind { terminal, kernel_log };
    Console(Descriptor device, Kind kind)
        : device_(std::move(device))
        , kind_(kind) {}

    static constexpr std::size_t queue_limit_bytes = 64 << 10;
    Descriptor device_;
    Kind kind_ = Kind::terminal;
    std::string queue_;
    std::size_t dropped_lines_ = 0;
};

} // namespace lifeboat
