// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/boot.h"

#include "base/text.h"
#include "init/boot_log.h"
#include "init/memory_watch.h"
#include "init/progress_line.h"
#include "init/summary.h"
#include "init/supervisor.h"
#include "init/vmcore_attempts.h"
#include "init/watchdog.h"
#include "stages/apply_sysctl.h"
#include "stages/copy_vmcore.h"
#include "stages/finish_dump.h"
#include "stages/load_modules.h"
#include "stages/mount_early_file_systems.h"
#include "stages/mount_target.h"
#include "stages/plan.h"
#include "stages/save_kernel_log.h"
#include "stages/settle_partial_dump.h"

#include <algorithm>
#include <exception>
#include <optional>

#include <sys/utsname.h>
#include <unistd.h>

namespace lifeboat {

namespace {

constexpr std::int64_t sysctl_deadline_ms = 10'000;
constexpr std::int64_t settle_deadline_ms = 30'000;
// A stage that keeps its deadline itself says what it saw before it ends; only then is it killed.
constexpr std::int64_t self_limited_grace_ms = 3000;
constexpr std::size_t shown_tail_bytes = 16 << 10;

std::int64_t to_ms(std::uint64_t seconds) {
    return static_cast<std::int64_t>(seconds) * 1000;
}

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

class Boot {
public:
    Boot(const SystemPaths& paths, BootLog& log, std::vector<std::string> early_complaints)
        : paths_(paths)
        , log_(log)
        , early_complaints_(std::move(early_complaints))
        , memory_(paths.proc) {}

    void run(std::int64_t started_ms);
    [[nodiscard]] Action action() const { return plan_.action; }
    void prepare_for_end();

private:
    struct Stage {
        std::string_view name;
        void (Boot::*carry_out)();
    };
    static const Stage stages[];

    void greet();
    void take_plan();
    void set_sysctls();
    void load_planned_modules();
    void reach_target();
    void save_log();
    void save_vmcore();
    void finish();

    void carry_out(const Stage& stage);
    StageOutcome supervise(std::string_view name, StageLimits limits, const StageWork& work,
                           OomRank oom_rank);
    void note_failure(std::string_view stage, std::string_view what, std::string_view instead);
    bool try_target(bool coldplug, bool again);
    void show_log_tail();
    StageOutcome attempt_log();
    StageOutcome attempt_vmcore(const CopyRequest& request);
    void attempt_vmcore_again(const CopyRequest& request, const StageOutcome& first);
    void settle_vmcore();
    void keep_facts(const Facts& facts);
    SaveRequest save_request() const;
    StageLimits limits_of(std::uint64_t seconds) const;
    std::string summary_line();

    const SystemPaths& paths_;
    BootLog& log_;
    std::vector<std::string> early_complaints_;
    MemoryWatch memory_;
    Supervisor supervisor_ = Supervisor::start();
    Watchdog watchdog_;
    Plan plan_;
    Deadline total_ = Deadline::never();
    std::int64_t started_ms_ = 0;

    const Target* target_ = nullptr; // of plan_, mounted
    std::string folder_;             // the dump's, once it is made
    CoreAccess access_ = CoreAccess::map;
    bool kernel_log_saved_ = false;
    bool vmcore_complete_ = false;
    bool vmcore_holds_pages_ = false;
    Summary summary_;
};

// The boot. None of these fails it: each says what it could not do, and the next one begins.
constexpr Boot::Stage Boot::stages[] = {
    // What came before there was a log is told here.
    {"start", &Boot::greet},
    // From here on the overall deadline runs and the watchdog is fed.
    {"plan", &Boot::take_plan},
    // Before the modules: some sysctls decide how they load. From here on all work is in supervised children.
    {"sysctl", &Boot::set_sysctls},
    {"modules", &Boot::load_planned_modules},
    // Scans the SCSI hosts, finds and mounts. From here on target_ says where evidence can go; without it the
    // stages below do what can be done without.
    {"target", &Boot::reach_target},
    // The kernel log first: it is the most evidence for its bytes. From here on the dump's folder exists, and
    // the
    // log in it is on disk.
    {"dmesg", &Boot::save_log},
    {"vmcore", &Boot::save_vmcore},
    // From here on nothing of the target is open, and it is unmounted.
    {"finish", &Boot::finish},
};

void Boot::run(std::int64_t started_ms) {
    started_ms_ = started_ms;
    for (const Stage& stage : stages)
        carry_out(stage);
    log_.info("{}", summary_line());
}

void Boot::carry_out(const Stage& stage) {
    const std::int64_t began_ms = monotonic_ms();
    try {
        (this->*stage.carry_out)();
    } catch (const std::exception& exception) {
        note_failure(stage.name, exception.what(), "going on");
    }
    summary_.stages_ms.emplace_back(stage.name, monotonic_ms() - began_ms);
}

void Boot::note_failure(std::string_view stage, std::string_view what, std::string_view instead) {
    log_.error("{}: {}, {}", stage, what, instead);
    if (summary_.failed_stage.empty())
        summary_.failed_stage = stage;
}

void Boot::greet() {
    utsname names{};
    ::uname(&names);
    const MemoryInfo memory = memory_.look();
    log_.info("started, kernel {}, {} CPUs", std::string_view(names.release),
              ::sysconf(_SC_NPROCESSORS_ONLN));
    log_.info("memory: total {} KiB, free {} KiB, available {} KiB", memory.total_kib, memory.free_kib,
              memory.available_kib);
    for (const std::string& complaint : early_complaints_)
        log_.warning("{}", complaint);
    ensure_panic_timeout(paths_);
}

void Boot::take_plan() {
    plan_ = read_plan(paths_);
    for (const std::string& complaint : plan_.complaints)
        log_.warning("{}", complaint);
    log_.info("plan: {} targets, {} modules, level {}", plan_.targets.size(), plan_.modules.size(),
              plan_.level);
    summary_.level = plan_.level;
    total_ = Deadline::after_ms(to_ms(plan_.deadlines.total_s));
    watchdog_ =
        Watchdog::open(paths_, static_cast<int>(std::max<std::uint64_t>(plan_.deadlines.stall_s, 60)));
    if (watchdog_.is_there())
        log_.info("watchdog: started, fed while the stages keep their limits");
}

StageLimits Boot::limits_of(std::uint64_t seconds) const {
    return {.deadline = Deadline::after_ms(to_ms(seconds)).earlier_of(total_)};
}

StageOutcome Boot::supervise(std::string_view name, StageLimits limits, const StageWork& work,
                             OomRank oom_rank) {
    Attendant attendant(log_, memory_, watchdog_, total_);
    const StageRequest request{std::string(name), limits, oom_rank, paths_.proc};
    StageOutcome outcome = supervisor_.run(request, work, attendant);
    memory_.note_child_peak(outcome.peak_kib);
    return outcome;
}

void Boot::set_sysctls() {
    const StageLimits limits{.deadline = Deadline::after_ms(sysctl_deadline_ms).earlier_of(total_)};
    const auto outcome = supervise(
        "sysctl", limits,
        [this](StageReport& report) -> Result<> {
            const SysctlCounts counts = apply_sysctl(paths_, report);
            report.info("sysctl: {} set, {} failed", counts.applied, counts.failed);
            return {};
        },
        OomRank::usual);
    if (!outcome.completed())
        note_failure("sysctl", outcome.describe(), "going on with what is set");
    ensure_panic_timeout(paths_); // they may just have set it to 0
}

void Boot::load_planned_modules() {
    if (plan_.modules.empty())
        return;
    const auto outcome = supervise(
        "modules", limits_of(plan_.deadlines.modules_s),
        [this](StageReport& report) -> Result<> {
            const ModuleCounts counts = load_modules(plan_.modules, report);
            report.info("modules: {} loaded, {} failed", counts.loaded, counts.failed);
            return {};
        },
        OomRank::usual);
    if (!outcome.completed())
        note_failure("modules", outcome.describe(), "going on with what is loaded");
}

void Boot::reach_target() {
    // A plan without modules is one that was lost, or one for a kernel that needs none: coldplug costs that
    // little.
    const bool automatic = plan_.coldplug == Coldplug::automatic;
    const bool at_once = plan_.coldplug == Coldplug::always || (automatic && plan_.modules.empty());
    bool reached = try_target(at_once, false);
    if (!reached && automatic && !at_once && !plan_.targets.empty()) {
        log_.info("target: loading modules for every device that is there, and looking again");
        reached = try_target(true, true);
    }
    if (!reached)
        note_failure("target", "nothing can be saved", "showing the end of the kernel log instead");
}

bool Boot::try_target(bool coldplug, bool again) {
    StageLimits limits = limits_of(plan_.deadlines.target_s);
    const TargetRequest request{paths_, plan_.targets, limits.deadline, coldplug, again};
    limits.deadline = Deadline::after_ms(limits.deadline.remaining_ms() + self_limited_grace_ms);
    const auto outcome = supervise(
        "target", limits,
        [&](StageReport& report) -> Result<> {
            report.fact("target", TRY(find_and_mount_target(request, report)));
            return {};
        },
        OomRank::usual);
    const auto fact = outcome.facts.find("target");
    const auto index = fact == outcome.facts.end() ? std::nullopt : parse_unsigned(fact->second);
    if (index && *index < plan_.targets.size())
        target_ = &plan_.targets[*index];
    else
        log_.error("target: {}", outcome.describe());
    return target_ != nullptr;
}

SaveRequest Boot::save_request() const {
    return {paths_, target_ != nullptr ? target_->path : "", plan_.host, folder_, access_};
}

void Boot::save_log() {
    if (target_ == nullptr)
        return show_log_tail();
    StageOutcome outcome = attempt_log();
    if (outcome.end == StageEnd::killed && access_ == CoreAccess::map) {
        // Most likely a page that cannot be read: a mapping kills who touches it, a read fails.
        access_ = CoreAccess::read;
        log_.error("dmesg: {}, trying once more without mapping the core", outcome.describe());
        outcome = attempt_log();
    }
    kernel_log_saved_ = outcome.completed();
    if (!kernel_log_saved_)
        note_failure("dmesg", outcome.describe(), "going on with the vmcore");
}

StageOutcome Boot::attempt_log() {
    StageOutcome outcome = supervise(
        "dmesg", limits_of(plan_.deadlines.dmesg_s),
        [this](StageReport& report) { return save_kernel_log(save_request(), report); },
        OomRank::first_to_go);
    keep_facts(outcome.facts);
    return outcome;
}

void Boot::show_log_tail() {
    const auto outcome = supervise(
        "dmesg", limits_of(plan_.deadlines.dmesg_s),
        [this](StageReport& report) {
            return show_kernel_log_tail(save_request(), shown_tail_bytes, report);
        },
        OomRank::first_to_go);
    if (!outcome.completed())
        note_failure("dmesg", outcome.describe(), "showing nothing more of it");
}

void Boot::save_vmcore() {
    if (target_ == nullptr)
        return;
    const CopyRequest request{
        .save = save_request(),
        .options = {.level = plan_.level, .compression = plan_.compression, .threads = plan_.threads},
        .removes_older = plan_.prune == Prune::when_full};
    const StageOutcome first = attempt_vmcore(request);
    if (!first.completed() && is_worth_second_attempt(first) && !total_.has_passed())
        attempt_vmcore_again(request, first);
    else if (!first.completed())
        note_failure("vmcore", first.describe(), "keeping what is there");
    if (!vmcore_complete_)
        settle_vmcore();
}

void Boot::attempt_vmcore_again(const CopyRequest& request, const StageOutcome& first) {
    log_.error("vmcore: {}, trying once more with the least memory", first.describe());
    CopyRequest again = second_attempt_after(request, first);
    again.save.folder = folder_; // the first may have made it
    const StageOutcome second = attempt_vmcore(again);
    if (!second.completed())
        note_failure("vmcore", second.describe(), "keeping what is there");
}

void Boot::settle_vmcore() {
    if (folder_.empty())
        return;
    const auto outcome = supervise(
        "settle", {.deadline = Deadline::after_ms(settle_deadline_ms)},
        [this](StageReport& report) { return settle_partial_dump(save_request(), report); }, OomRank::usual);
    keep_facts(outcome.facts);
    const auto pages = outcome.facts.find("dumped");
    vmcore_holds_pages_ = pages != outcome.facts.end() && pages->second != "0";
    if (!outcome.completed())
        log_.error("vmcore: {}, leaving it as it is", outcome.describe());
}

StageOutcome Boot::attempt_vmcore(const CopyRequest& request) {
    StageLimits limits = limits_of(plan_.deadlines.vmcore_s);
    limits.stall_ms = to_ms(plan_.deadlines.stall_s);
    const StageOutcome outcome = supervise(
        "vmcore", limits, [&](StageReport& report) { return copy_vmcore(request, report); },
        OomRank::first_to_go);
    keep_facts(outcome.facts);
    vmcore_complete_ = is_complete(outcome);
    return outcome;
}

void Boot::keep_facts(const Facts& facts) {
    for (const auto& [key, value] : facts)
        if (const auto number = parse_unsigned(value))
            summary_.set_count(key, *number);
    if (const auto level = facts.find("level"); level != facts.end())
        summary_.level = static_cast<unsigned>(parse_unsigned(level->second).value_or(summary_.level));
    if (const auto folder = facts.find("folder"); folder != facts.end())
        folder_ = folder->second;
}

void Boot::finish() {
    if (target_ == nullptr)
        return;
    const FinishRequest request{save_request(), log_.text() + "so far: " + summary_line() + "\n"};
    // Whatever the stages before took: this one has its time.
    const StageLimits limits{.deadline = Deadline::after_ms(to_ms(plan_.deadlines.finish_s))};
    const auto outcome = supervise(
        "finish", limits, [&](StageReport& report) { return finish_dump(request, report); }, OomRank::usual);
    if (!outcome.completed())
        note_failure("finish", outcome.describe(), "leaving the rest to the final sync");
}

std::string Boot::summary_line() {
    const bool lacks_pages = summary_.count("unreadable") > 0;
    summary_.result = vmcore_complete_      ? (lacks_pages ? DumpResult::partial : DumpResult::saved)
                      : vmcore_holds_pages_ ? DumpResult::incomplete
                      : kernel_log_saved_   ? DumpResult::dmesg_only
                                            : DumpResult::failed;
    if (target_ != nullptr && !folder_.empty())
        summary_.folder = (target_->path == "/" ? "" : target_->path) + "/" + folder_;
    summary_.total_ms = monotonic_ms() - started_ms_;
    summary_.peak_kib = memory_.peak_kib();
    summary_.mem_available_min_kib = memory_.least_available_kib();
    summary_.mem_total_kib = memory_.total_kib();
    return summary_.line();
}

void Boot::prepare_for_end() {
    if (plan_.action == Action::halt)
        watchdog_.put_to_sleep();
}

} // namespace

void boot(const SystemPaths& paths, const FinalActionTimes& times) {
    const std::int64_t started_ms = monotonic_ms();
    Action action = Action::reboot;
    std::optional<BootLog> log;
    try {
        auto complaints = mount_early_file_systems(paths);
        log.emplace(paths);
        Boot boot(paths, *log, std::move(complaints));
        boot.run(started_ms);
        action = boot.action();
        boot.prepare_for_end();
        log->console().flush(2000, Deadline::after_ms(20'000));
    } catch (const std::exception& exception) {
        // No memory even for PID 1. What is saved is saved; words that need no memory, and the machine
        // reboots.
        (void)!::write(STDERR_FILENO, exception.what(), std::string_view(exception.what()).size());
    }
    carry_out_final_action(action, paths, log ? log->console().fd() : -1, times);
}

} // namespace lifeboat
