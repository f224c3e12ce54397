// SPDX-License-Identifier: GPL-2.0-or-later
// PID 1's log: each line to the console and into memory, from where it goes to lifeboat.log.
#pragma once

#include "base/clock.h"
#include "base/log.h"
#include "init/console.h"

namespace lifeboat {

class BootLog final : public Log {
public:
    explicit BootLog(const SystemPaths& paths)
        : console_(Console::open(paths)) {}

    void write(LogLevel level, std::string_view line) override {
        memory_.append(monotonic_ms(), level, printable(line));
        console_.write_line(line);
    }
    [[nodiscard]] std::string text() const { return memory_.text(); }
    [[nodiscard]] Console& console() { return console_; }

private:
    static constexpr std::size_t memory_bytes = 256 << 10;
    Console console_;
    LogMemory memory_{memory_bytes};
};

} // namespace lifeboat
