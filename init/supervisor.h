// SPDX-License-Identifier: GPL-2.0-or-later
// Runs a stage's work in a forked child and watches over it: whatever the child does, run() comes back soon
// after the stage's limits. PID 1 stays single-threaded; the child shares nothing with it but the pipe it
// reports on (init/stage_messages.h) and what it does to the machine (mounts, modules, files).
#pragma once

#include "base/clock.h"
#include "base/descriptor.h"
#include "base/result.h"
#include "init/stage_messages.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lifeboat {

struct StageLimits {
    Deadline deadline = Deadline::never();
    std::int64_t stall_ms = 0;        // without progress for that long it is ended; 0: no such limit
    std::int64_t kill_wait_ms = 5000; // how long a killed child is waited for before it is abandoned
};

enum class OomRank { usual, first_to_go };

struct StageRequest {
    std::string name; // "vmcore": the child's comm is lb-vmcore
    StageLimits limits;
    OomRank oom_rank = OomRank::usual;
    std::string proc = "/proc";
    // PID 1's own: a child that is left behind must not keep a watchdog from being closed.
    std::vector<int> closed_in_child;
};

using StageWork = std::function<Result<>(StageReport&)>;
using Facts = std::map<std::string, std::string, std::less<>>;

enum class StageEnd : std::uint8_t { completed, failed, timed_out, stalled, killed };

struct StageOutcome {
    StageEnd end = StageEnd::failed;
    Error error{ErrorKind::system, {}}; // where end is failed
    int signal = 0;                     // where end is killed
    bool out_of_memory = false;         // ... by the OOM killer
    bool abandoned = false;             // it could not be killed (stuck in the kernel) and was left behind
    bool progressed_lately = false;     // within the last ten seconds
    std::uint64_t peak_kib = 0;         // the child's largest resident set
    DumpProgress last_progress;
    Facts facts;

    [[nodiscard]] bool completed() const { return end == StageEnd::completed; }
    // It passed a limit: its own or that on time without progress.
    [[nodiscard]] bool hung() const { return end == StageEnd::timed_out || end == StageEnd::stalled; }
    // Empty where it was not told.
    [[nodiscard]] std::string fact(std::string_view key) const;
    // "killed by signal 11 (Segmentation fault)", "no progress for 60 s", ...: for the log.
    [[nodiscard]] std::string describe() const;
    // The same with its kind, for one that did not complete.
    [[nodiscard]] Error as_error() const;
};

// What PID 1 does meanwhile. Every call must be short.
class StageObserver {
public:
    virtual ~StageObserver() = default;
    virtual void logged(LogLevel level, std::string_view text) = 0;
    virtual void progressed(const DumpProgress& progress) = 0;
    virtual void still_running() = 0; // at least once a second
    // A descriptor that has output waiting, or -1; write_pending() is called when it takes some.
    [[nodiscard]] virtual int pending_output_fd() const { return -1; }
    virtual void write_pending() {}
};

// One for the process: while it lives SIGCHLD is blocked and every child that ends is reaped, orphans too.
class Supervisor {
public:
    static Supervisor start();
    Supervisor(Supervisor&&) noexcept = default;
    ~Supervisor();

    // Where not even a child can be made, the outcome is failed.
    StageOutcome run(const StageRequest& request, const StageWork& work, StageObserver& observer);

private:
    explicit Supervisor(Descriptor child_events)
        : child_events_(std::move(child_events)) {}

    // signalfd(2) for SIGCHLD: works on every kernel, and wakes for orphans too. Without it the end of the
    // pipe and the tick of a second serve.
    Descriptor child_events_;
};

} // namespace lifeboat
