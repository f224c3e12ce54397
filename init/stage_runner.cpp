// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage_runner.h"

#include "init/progress_line.h"

#include <unistd.h>

namespace lifeboat {

namespace {

// What PID 1 does while a child works.
class Attendant final : public StageObserver {
public:
    Attendant(BootLog& log, MemoryWatch& memory, Watchdogs& watchdogs)
        : log_(log)
        , memory_(memory)
        , watchdogs_(watchdogs)
        , progress_line_(monotonic_ms(), static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))) {}

    void logged(LogLevel level, std::string_view text) override { log_.write(level, text); }
    void progressed(const DumpProgress& progress) override {
        memory_.look_when_due();
        if (const auto line = progress_line_.note(progress, monotonic_ms()))
            log_.info("{}", *line);
    }
    void still_running() override {
        memory_.look_when_due();
        watchdogs_.attend(log_);
    }
    [[nodiscard]] int pending_output_fd() const override {
        return log_.console().has_pending() ? log_.console().fd() : -1;
    }
    void write_pending() override { log_.console().write_pending(); }

private:
    BootLog& log_;
    MemoryWatch& memory_;
    Watchdogs& watchdogs_;
    ProgressLine progress_line_;
};

} // namespace

StageLimits StageRunner::limits_of(std::uint64_t seconds) const {
    return {.deadline = Deadline::after_s(seconds).earlier_of(total_)};
}

StageOutcome StageRunner::run(std::string_view name, StageLimits limits, const StageWork& work,
                              OomRank oom_rank) {
    Attendant attendant(log_, memory_, watchdogs_);
    const StageRequest request{std::string(name), limits, oom_rank, paths_.proc, watchdogs_.fds()};
    StageOutcome outcome = supervisor_.run(request, work, attendant);
    memory_.note_child_peak(outcome.peak_kib);
    watchdogs_.start_new(log_); // the stage may have loaded a driver
    return outcome;
}

} // namespace lifeboat
