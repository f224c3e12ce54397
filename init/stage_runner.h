// SPDX-License-Identifier: GPL-2.0-or-later
// How PID 1 has a stage's work done: in a child that is watched, while the log goes out, the memory is looked
// at and the watchdogs are fed.
#pragma once

#include "init/boot_log.h"
#include "init/memory_watch.h"
#include "init/supervisor.h"
#include "init/watchdog.h"
#include "stages/system_paths.h"

#include <cstdint>
#include <string_view>

namespace lifeboat {

class StageRunner {
public:
    // Both must outlive it.
    StageRunner(const SystemPaths& paths, BootLog& log)
        : paths_(paths)
        , log_(log)
        , memory_(paths.proc) {}

    // From here on no stage but those with limits of their own goes on after the deadline.
    void end_all_by(Deadline total) { total_ = total; }
    // From here on every watchdog whose driver is there, or comes with a stage, is fed while a stage is
    // within its limits: the last of them ends by itself, so that after it nothing is fed any more. 0
    // seconds: none is.
    void start_watchdogs(unsigned timeout_s) { watchdogs_.start_all(paths_, timeout_s, log_); }
    // For a machine that is to stand still at the end.
    void put_watchdogs_to_sleep() { watchdogs_.put_to_sleep(); }

    [[nodiscard]] bool time_is_over() const { return total_.has_passed(); }
    // Those many seconds from now, or the overall deadline.
    [[nodiscard]] StageLimits limits_of(std::uint64_t seconds) const;

    StageOutcome run(std::string_view name, StageLimits limits, const StageWork& work,
                     OomRank oom_rank = OomRank::usual);

    [[nodiscard]] MemoryWatch& memory() { return memory_; }

private:
    const SystemPaths& paths_;
    BootLog& log_;
    MemoryWatch memory_;
    Supervisor supervisor_ = Supervisor::start();
    Watchdogs watchdogs_;
    Deadline total_ = Deadline::never();
};

} // namespace lifeboat
