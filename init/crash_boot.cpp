// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/crash_boot.h"

#include "init/crash_context.h"
#include "init/module_stage.h"
#include "init/save_evidence.h"
#include "init/save_ladder.h"
#include "stages/apply_sysctl.h"
#include "stages/mount_early_file_systems.h"

#include <exception>

#include <sys/utsname.h>
#include <unistd.h>

namespace lifeboat {

namespace {

constexpr std::uint64_t sysctl_deadline_s = 10;

class CrashBoot {
public:
    CrashBoot(const BootStart& start, BootLog& log)
        : context_(start.paths, log)
        , early_complaints_(start.complaints)
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
    void save_evidence();

    void carry_out(const Stage& stage);
    std::string summary_line();

    CrashContext context_;
    const std::vector<std::string>& early_complaints_;
    std::int64_t started_ms_;
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
    // Over the targets: finds and mounts, saves the kernel log, which is the most evidence for its bytes, and
    // the vmcore, unmounts. From here on nothing of any target is open.
    {"evidence", &CrashBoot::save_evidence},
};

Action CrashBoot::run() {
    for (const Stage& stage : stages)
        carry_out(stage);
    context_.log.info("{}", summary_line());
    if (context_.plan.action == Action::halt)
        context_.runner.put_watchdogs_to_sleep();
    return context_.plan.action;
}

void CrashBoot::carry_out(const Stage& stage) {
    const std::int64_t began_ms = monotonic_ms();
    try {
        (this->*stage.carry_out)();
    } catch (const std::exception& exception) {
        context_.note_failure(stage.name, Error{ErrorKind::system, exception.what()}, "going on");
    }
    // The last one's parts are told one by one.
    if (&stage != std::end(stages) - 1)
        context_.summary.add_stage_ms(stage.name, monotonic_ms() - began_ms);
}

void CrashBoot::greet() {
    utsname names{};
    ::uname(&names);
    const MemoryInfo memory = context_.runner.memory().look();
    context_.log.info("started, kernel {}, {} CPUs", std::string_view(names.release),
                      ::sysconf(_SC_NPROCESSORS_ONLN));
    context_.log.info("memory: total {} KiB, free {} KiB, available {} KiB", memory.total_kib,
                      memory.free_kib, memory.available_kib);
    for (const std::string& complaint : early_complaints_)
        context_.log.warning("{}", complaint);
    ensure_panic_timeout(context_.paths);
}

void CrashBoot::take_plan() {
    Plan& plan = context_.plan;
    plan = read_plan(context_.paths);
    for (const std::string& complaint : plan.complaints)
        context_.log.warning("{}", complaint);
    context_.log.info("plan: {} targets, {} modules, level {}", plan.targets.size(), plan.modules.size(),
                      plan.level);
    context_.summary.level = context_.summary.asked_level = plan.level;
    context_.runner.end_all_by(Deadline::after_s(plan.deadlines.total_s));
    context_.runner.start_watchdogs(plan.watchdog_timeout_s);
}

void CrashBoot::set_sysctls() {
    const auto outcome = context_.runner.run(
        "sysctl", context_.runner.limits_of(sysctl_deadline_s), [this](StageReport& report) -> Result<> {
            const SysctlCounts counts = apply_sysctl(context_.paths, report);
            report.info("sysctl: {} set, {} failed", counts.applied, counts.failed);
            return {};
        });
    if (!outcome.completed())
        context_.note_failure("sysctl", outcome, "going on with what is set");
    ensure_panic_timeout(context_.paths); // they may just have set it to 0
}

void CrashBoot::load_modules_of_plan() {
    if (const auto ended = load_planned_modules(context_.runner, context_.plan))
        context_.note_failure("modules", *ended, "going on with what is loaded");
}

void CrashBoot::save_evidence() {
    EvidenceSaver saver(context_);
    if (context_.plan.targets.empty())
        context_.note_failure("target", Error{ErrorKind::no_data, "the plan names no target"},
                              "nothing can be saved");
    const Saved saved = climb_ladder(context_.plan.targets.size(), saver);
    if (!saved.log) {
        context_.log.error("dmesg: the kernel log is saved nowhere, showing its end here instead");
        saver.show_log_tail();
    }
    saver.tell(context_.summary);
}

std::string CrashBoot::summary_line() {
    Summary& summary = context_.summary;
    summary.total_ms = monotonic_ms() - started_ms_;
    summary.peak_kib = context_.runner.memory().peak_kib();
    summary.mem_available_min_kib = context_.runner.memory().least_available_kib();
    summary.mem_total_kib = context_.runner.memory().total_kib();
    return summary.line();
}

} // namespace

Action crash_boot(const BootStart& start, BootLog& log) {
    return CrashBoot(start, log).run();
}

} // namespace lifeboat
