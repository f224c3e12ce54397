// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage_runner.h"

#include "init/progress_line.h"

#include <unistd.h>

namespace lifeboat {

namespace {

// What PID 1 does while a child works.
class Attendant final : public StageObserver {
public:
    Attendant(BootLog& log, MemoryWatch& memory, Watchdog& watchdog, Deadline total)
        : log_(log)
        , memory_(memory)
        , watchdog_(watchdog)
        , total_(total)
        , progress_line_(monotonic_ms(), static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))) {}

    void logged(LogLevel level, std::string_view text) override { log_.write(level, text); }
    void progressed(const DumpProgress& progress) override {
        memory_.look_when_due();
        if (const auto line = progress_line_.note(progress, monotonic_ms()))
            log_.info("{}", *line);
    }
    void still_running() override {
        memory_.look_when_due();
        if (!total_.has_passed())
            watchdog_.feed();
    }
    [[nodiscard]] int pending_output_fd() const override {
        return log_.console().has_pending() ? log_.console().fd() : -1;
    }
    void write_pending() override { log_.console().write_pending(); }

private:
    BootLog& log_;
    MemoryWatch& memory_;
    Watchdog& watchdog_;
    Deadline total_;
    ProgressLine progress_line_;
};

} // namespace

void StageRunner::start_watchdog(int timeout_s) {
    watchdog_ = Watchdog::open(paths_, timeout_s);
    if (watchdog_.is_there())
        log_.info("watchdog: started, fed while the stages keep their limits");
}

StageLimits StageRunner::limits_of(std::uint64_t seconds) const {
    return {.deadline = Deadline::after_ms(static_cast<std::int64_t>(seconds) * 1000).earlier_of(total_)};
}

StageOutcome StageRunner::run(std::string_view name, StageLimits limits, const StageWork& work,
                              OomRank oom_rank) {
    Attendant attendant(log_, memory_, watchdog_, total_);
    const StageRequest request{std::string(name), limits, oom_rank, paths_.proc};
    StageOutcome outcome = supervisor_.run(request, work, attendant);
    memory_.note_child_peak(outcome.peak_kib);
    return outcome;
}

} // namespace lifeboat
