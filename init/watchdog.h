// SPDX-License-Identifier: GPL-2.0-or-later
// The machine's watchdogs: what restarts it when PID 1 or the kernel stands still. PID 1 keeps them fed while
// a stage is within its limits, which PID 1 itself enforces. One that ran in the dead kernel goes on counting
// through the panic; to open it is to take it over. Source: Linux Documentation/watchdog/watchdog-api.rst,
// drivers/watchdog/watchdog_dev.c.
#pragma once

#include "base/clock.h"
#include "base/descriptor.h"
#include "base/log.h"
#include "stages/system_paths.h"

#include <string>
#include <vector>

namespace lifeboat {

class Watchdogs {
public:
    // How long one may go unfed before it bites, in seconds; 0: none is started. A driver that cannot count
    // that far counts as far as it can.
    void start_all(const SystemPaths& paths, unsigned timeout_s, Log& log);
    // At most once a second, however often it is called: feeds them, and starts those whose driver has come
    // since.
    void attend(Log& log);
    // Starts those whose driver has come since, at once.
    void start_new(Log& log);
    // For a machine that is to stand still: closes them so that they do not bite, as far as they can be
    // stopped.
    void put_to_sleep();

    // Those that are open, for a child to close.
    [[nodiscard]] std::vector<int> fds() const;
    [[nodiscard]] bool is_any() const { return !devices_.empty(); }

private:
    void start(const std::string& path, Log& log);

    std::string dev_;
    unsigned timeout_s_ = 0;
    std::vector<Descriptor> devices_;
    unsigned next_number_ = 0;
    Deadline next_attention_ = Deadline::after_ms(0);
};

} // namespace lifeboat
