// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/crash_boot.h"

#include "base/text.h"
#include "init/module_stage.h"
#include "init/stage_runner.h"
#include "init/summary.h"
#include "init/vmcore_attempts.h"
#include "stages/apply_sysctl.h"
#include "stages/copy_vmcore.h"
#include "stages/finish_dump.h"
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

constexpr std::uint64_t sysctl_deadline_s = 10;
constexpr std::int64_t settle_deadline_ms = 30'000;
// A stage that keeps its deadline itself says what it saw before it ends; only then is it killed.
constexpr std::int64_t self_limited_grace_ms = 3000;
constexpr std::size_t shown_tail_bytes = 16 << 10;

std::int64_t to_ms(std::uint64_t seconds) {
    return static_cast<std::int64_t>(seconds) * 1000;
}

class CrashBoot {
public:
    CrashBoot(const BootStart& start, BootLog& log)
        : paths_(start.paths)
        , log_(log)
        , early_complaints_(start.complaints)
        , runner_(start.paths, log)
        , started_ms_(start.started_ms) {}

    Action run();

private:
    struct Stage {
        std::string_view name;
        void (CrashBoot::*carry_out)();
    };
    static const Stage stages[];

    void greet();
    void take_plan();
    void set_sysctls();
    void load_modules_of_plan();
    void reach_target();
    void save_log();
    void save_vmcore();
    void finish();

    void carry_out(const Stage& stage);
    void note_failure(std::string_view stage, std::string_view what, std::string_view instead);
    bool try_target(bool coldplug, bool again);
    void show_log_tail();
    StageOutcome attempt_log();
    StageOutcome attempt_vmcore(const CopyRequest& request);
    void attempt_vmcore_again(const CopyRequest& request, const StageOutcome& first);
    void settle_vmcore();
    void keep_facts(const Facts& facts);
    SaveRequest save_request() const;
    std::string summary_line();

    const SystemPaths& paths_;
    BootLog& log_;
    const std::vector<std::string>& early_complaints_;
    StageRunner runner_;
    Plan plan_;
    std::int64_t started_ms_;

    const Target* target_ = nullptr; // of plan_, mounted
    std::string folder_;             // the dump's, once it is made
    CoreAccess access_ = CoreAccess::map;
    bool kernel_log_saved_ = false;
    bool vmcore_complete_ = false;
    bool vmcore_holds_pages_ = false;
    Summary summary_;
};

// The boot. None of these fails it: each says what it could not do, and the next one begins.
constexpr CrashBoot::Stage CrashBoot::stages[] = {
    // What came before there was a log is told here.
    {"start", &CrashBoot::greet},
    // From here on the overall deadline runs, and a watchdog is fed as soon as its driver is there.
    {"plan", &CrashBoot::take_plan},
    // Before the modules: some sysctls decide how they load. From here on all work is in supervised children.
    {"sysctl", &CrashBoot::set_sysctls},
    {"modules", &CrashBoot::load_modules_of_plan},
    // Scans the SCSI hosts, finds and mounts. From here on target_ says where evidence can go; without it the
    // stages below do what can be done without.
    {"target", &CrashBoot::reach_target},
    // The kernel log first: it is the most evidence for its bytes. From here on the dump's folder exists, and
    // the
    // log in it is on disk.
    {"dmesg", &CrashBoot::save_log},
    {"vmcore", &CrashBoot::save_vmcore},
    // From here on nothing of the target is open, and it is unmounted.
    {"finish", &CrashBoot::finish},
};

Action CrashBoot::run() {
    for (const Stage& stage : stages)
        carry_out(stage);
    log_.info("{}", summary_line());
    if (plan_.action == Action::halt)
        runner_.put_watchdogs_to_sleep();
    return plan_.action;
}

void CrashBoot::carry_out(const Stage& stage) {
    const std::int64_t began_ms = monotonic_ms();
    try {
        (this->*stage.carry_out)();
    } catch (const std::exception& exception) {
        note_failure(stage.name, exception.what(), "going on");
    }
    summary_.stages_ms.emplace_back(stage.name, monotonic_ms() - began_ms);
}

void CrashBoot::note_failure(std::string_view stage, std::string_view what, std::string_view instead) {
    log_.error("{}: {}, {}", stage, what, instead);
    if (summary_.failed_stage.empty())
        summary_.failed_stage = stage;
}

void CrashBoot::greet() {
    utsname names{};
    ::uname(&names);
    const MemoryInfo memory = runner_.memory().look();
    log_.info("started, kernel {}, {} CPUs", std::string_view(names.release),
              ::sysconf(_SC_NPROCESSORS_ONLN));
    log_.info("memory: total {} KiB, free {} KiB, available {} KiB", memory.total_kib, memory.free_kib,
              memory.available_kib);
    for (const std::string& complaint : early_complaints_)
        log_.warning("{}", complaint);
    ensure_panic_timeout(paths_);
}

void CrashBoot::take_plan() {
    plan_ = read_plan(paths_);
    for (const std::string& complaint : plan_.complaints)
        log_.warning("{}", complaint);
    log_.info("plan: {} targets, {} modules, level {}", plan_.targets.size(), plan_.modules.size(),
              plan_.level);
    summary_.level = summary_.asked_level = plan_.level;
    runner_.end_all_by(Deadline::after_ms(to_ms(plan_.deadlines.total_s)));
    runner_.start_watchdogs(plan_.watchdog_timeout_s);
}

void CrashBoot::set_sysctls() {
    const auto outcome =
        runner_.run("sysctl", runner_.limits_of(sysctl_deadline_s), [this](StageReport& report) -> Result<> {
            const SysctlCounts counts = apply_sysctl(paths_, report);
            report.info("sysctl: {} set, {} failed", counts.applied, counts.failed);
            return {};
        });
    if (!outcome.completed())
        note_failure("sysctl", outcome.describe(), "going on with what is set");
    ensure_panic_timeout(paths_); // they may just have set it to 0
}

void CrashBoot::load_modules_of_plan() {
    if (const auto ended = load_planned_modules(runner_, plan_))
        note_failure("modules", ended->describe(), "going on with what is loaded");
}

void CrashBoot::reach_target() {
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

bool CrashBoot::try_target(bool coldplug, bool again) {
    StageLimits limits = runner_.limits_of(plan_.deadlines.target_s);
    const TargetRequest request{paths_, plan_.targets, limits.deadline, coldplug, again};
    limits.deadline = limits.deadline.extended_by_ms(self_limited_grace_ms);
    const auto outcome = runner_.run("target", limits, [&](StageReport& report) -> Result<> {
        const MountedTarget mounted = TRY(find_and_mount_target(request, report));
        report.fact("target", mounted.index);
        return {};
    });
    const auto fact = outcome.facts.find("target");
    const auto index = fact == outcome.facts.end() ? std::nullopt : parse_unsigned(fact->second);
    if (index && *index < plan_.targets.size())
        target_ = &plan_.targets[*index];
    else
        log_.error("target: {}", outcome.describe());
    return target_ != nullptr;
}

SaveRequest CrashBoot::save_request() const {
    return {paths_, target_ != nullptr ? target_->path : "", plan_.host, folder_, access_};
}

void CrashBoot::save_log() {
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

StageOutcome CrashBoot::attempt_log() {
    StageOutcome outcome = runner_.run(
        "dmesg", runner_.limits_of(plan_.deadlines.dmesg_s),
        [this](StageReport& report) { return save_kernel_log(save_request(), report); },
        OomRank::first_to_go);
    keep_facts(outcome.facts);
    return outcome;
}

void CrashBoot::show_log_tail() {
    const auto outcome = runner_.run(
        "dmesg", runner_.limits_of(plan_.deadlines.dmesg_s),
        [this](StageReport& report) {
            return show_kernel_log_tail(save_request(), shown_tail_bytes, report);
        },
        OomRank::first_to_go);
    if (!outcome.completed())
        note_failure("dmesg", outcome.describe(), "showing nothing more of it");
}

void CrashBoot::save_vmcore() {
    if (target_ == nullptr)
        return;
    const CopyRequest request{
        .save = save_request(),
        .options = {.level = plan_.level, .compression = plan_.compression, .threads = plan_.threads},
        .removes_older = plan_.prune == Prune::when_full};
    const StageOutcome first = attempt_vmcore(request);
    if (!first.completed() && is_worth_second_attempt(first) && !runner_.time_is_over())
        attempt_vmcore_again(request, first);
    else if (!first.completed())
        note_failure("vmcore", first.describe(), "keeping what is there");
    if (!vmcore_complete_)
        settle_vmcore();
}

void CrashBoot::attempt_vmcore_again(const CopyRequest& request, const StageOutcome& first) {
    log_.error("vmcore: {}, trying once more with the least memory", first.describe());
    CopyRequest again = second_attempt_after(request, first);
    again.save.folder = folder_; // the first may have made it
    const StageOutcome second = attempt_vmcore(again);
    if (!second.completed())
        note_failure("vmcore", second.describe(), "keeping what is there");
}

void CrashBoot::settle_vmcore() {
    if (folder_.empty())
        return;
    const auto outcome =
        runner_.run("settle", {.deadline = Deadline::after_ms(settle_deadline_ms)},
                    [this](StageReport& report) { return settle_partial_dump(save_request(), report); });
    keep_facts(outcome.facts);
    const auto pages = outcome.facts.find("dumped");
    vmcore_holds_pages_ = pages != outcome.facts.end() && pages->second != "0";
    if (!outcome.completed())
        log_.error("vmcore: {}, leaving it as it is", outcome.describe());
}

StageOutcome CrashBoot::attempt_vmcore(const CopyRequest& request) {
    StageLimits limits = runner_.limits_of(plan_.deadlines.vmcore_s);
    limits.stall_ms = to_ms(plan_.deadlines.stall_s);
    const StageOutcome outcome = runner_.run(
        "vmcore", limits, [&](StageReport& report) { return copy_vmcore(request, report); },
        OomRank::first_to_go);
    keep_facts(outcome.facts);
    vmcore_complete_ = is_complete(outcome);
    return outcome;
}

void CrashBoot::keep_facts(const Facts& facts) {
    for (const auto& [key, value] : facts)
        if (const auto number = parse_unsigned(value))
            summary_.set_count(key, *number);
    if (const auto level = facts.find("level"); level != facts.end())
        summary_.level = static_cast<unsigned>(parse_unsigned(level->second).value_or(summary_.level));
    if (const auto folder = facts.find("folder"); folder != facts.end())
        folder_ = folder->second;
}

void CrashBoot::finish() {
    if (target_ == nullptr)
        return;
    const FinishRequest request{save_request(), log_.text() + "so far: " + summary_line() + "\n"};
    // Whatever the stages before took: this one has its time.
    const StageLimits limits{.deadline = Deadline::after_ms(to_ms(plan_.deadlines.finish_s))};
    const auto outcome =
        runner_.run("finish", limits, [&](StageReport& report) { return finish_dump(request, report); });
    if (!outcome.completed())
        note_failure("finish", outcome.describe(), "leaving the rest to the final sync");
}

std::string CrashBoot::summary_line() {
    const bool lacks_pages = summary_.count("unreadable") > 0;
    summary_.result = vmcore_complete_      ? (lacks_pages ? DumpResult::partial : DumpResult::saved)
                      : vmcore_holds_pages_ ? DumpResult::incomplete
                      : kernel_log_saved_   ? DumpResult::dmesg_only
                                            : DumpResult::failed;
    if (target_ != nullptr && !folder_.empty())
        summary_.folder = (target_->path == "/" ? "" : target_->path) + "/" + folder_;
    summary_.total_ms = monotonic_ms() - started_ms_;
    summary_.peak_kib = runner_.memory().peak_kib();
    summary_.mem_available_min_kib = runner_.memory().least_available_kib();
    summary_.mem_total_kib = runner_.memory().total_kib();
    return summary_.line();
}

} // namespace

Action crash_boot(const BootStart& start, BootLog& log) {
    return CrashBoot(start, log).run();
}

} // namespace lifeboat
