// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/save_evidence.h"

#include "base/text.h"
#include "init/vmcore_attempts.h"
#include "stages/finish_dump.h"
#include "stages/mount_target.h"
#include "stages/save_kernel_log.h"
#include "stages/settle_partial_dump.h"

#include <algorithm>

namespace lifeboat {

namespace {

constexpr std::int64_t settle_deadline_ms = 30'000;
constexpr std::int64_t detach_deadline_ms = 5000;
// A stage that keeps its deadline itself says what it saw before it ends; only then is it killed.
constexpr std::int64_t self_limited_grace_ms = 3000;
// For a target behind the first one, which may have been waited for in vain.
constexpr std::int64_t further_look_ms = 5000;
constexpr std::size_t shown_tail_bytes = 16 << 10;

std::int64_t to_ms(std::uint64_t seconds) {
    return static_cast<std::int64_t>(seconds) * 1000;
}

bool is_targets_fault(const StageOutcome& outcome) {
    return outcome.hung() || (outcome.end == StageEnd::failed && !outcome.fact(refused_fact).empty());
}

SaveEnd end_of(const StageOutcome& outcome) {
    return outcome.completed()         ? SaveEnd::saved
           : is_targets_fault(outcome) ? SaveEnd::refused
                                       : SaveEnd::failed;
}

} // namespace

// ---- The way to a target.

Reach EvidenceSaver::reach(std::size_t target, Round round) {
    const std::int64_t began_ms = monotonic_ms();
    const Target& wanted = context_.plan.targets[target];
    target_ = target;
    StageOutcome outcome = find(wanted, round);
    if (outcome.completed())
        outcome = mount(wanted, FoundTarget{outcome.fact("node"), outcome.fact("type")});
    else
        has_told_devices_ = true;
    note_seconds("target", began_ms);
    if (outcome.completed())
        return Reach::reached;
    context_.note_failure("target", outcome, "going on without it");
    if (outcome.end == StageEnd::failed)
        return Reach::absent;
    detach(); // it may have come as far as to mount
    return Reach::broke_off;
}

// All targets of a round share the time for searching; each is looked for at least a little.
Deadline EvidenceSaver::search_deadline(Round round) {
    const std::int64_t whole_ms = to_ms(context_.plan.deadlines.target_s);
    if (round == Round::with_further_modules && !has_searched_further_) {
        has_searched_further_ = true;
        search_ends_ = Deadline::after_ms(whole_ms);
        context_.log.info("target: loading modules for every device that is there, and looking again");
    }
    const std::int64_t least_ms = std::min(whole_ms, further_look_ms);
    return Deadline::after_ms(std::max(search_ends_.remaining_ms(), least_ms));
}

StageOutcome EvidenceSaver::find(const Target& target, Round round) {
    const Plan& plan = context_.plan;
    const bool further = round == Round::with_further_modules;
    // A plan without modules is one that was lost, or one for a kernel that needs none: coldplug costs that
    // little.
    const bool always =
        plan.coldplug == Coldplug::always || (plan.coldplug == Coldplug::automatic && plan.modules.empty());
    StageLimits limits = context_.runner.limits_of(plan.deadlines.target_s);
    limits.deadline = limits.deadline.earlier_of(search_deadline(round));
    const TargetRequest request{.paths = context_.paths,
                                .targets = std::span(&target, 1),
                                .deadline = limits.deadline,
                                .coldplug = always || further,
                                .again = further,
                                .tells_devices = !has_told_devices_};
    limits.deadline = limits.deadline.extended_by_ms(self_limited_grace_ms);
    return context_.runner.run("target", limits, [&](StageReport& report) -> Result<> {
        const FoundTarget found = TRY(find_target(request, report));
        report.fact("node", found.node);
        report.fact("type", found.type);
        return {};
    });
}

// By itself, so that one that hangs over its journal takes no other's time.
StageOutcome EvidenceSaver::mount(const Target& target, const FoundTarget& found) {
    return context_.runner.run("mount", context_.runner.limits_of(context_.plan.deadlines.target_s),
                               [&](StageReport& report) -> Result<> {
                                   TRY(mount_target(context_.paths, target, found));
                                   report.info("target: {} mounted, folder {}", target.source(), target.path);
                                   return {};
                               });
}

bool EvidenceSaver::may_load_further_modules() const {
    const Plan& plan = context_.plan;
    return plan.coldplug == Coldplug::automatic && !plan.modules.empty();
}

// ---- The kernel log.

SaveEnd EvidenceSaver::save_log() {
    const std::int64_t began_ms = monotonic_ms();
    StageOutcome outcome = attempt_log();
    if (outcome.end == StageEnd::killed && access_ == CoreAccess::map) {
        // Most likely a page that cannot be read: a mapping kills who touches it, a read fails.
        access_ = CoreAccess::read;
        context_.log.error("dmesg: {}, trying once more without mapping the core", outcome.describe());
        outcome = attempt_log();
    }
    note_seconds("dmesg", began_ms);
    here().has_log |= outcome.completed();
    if (!outcome.completed())
        context_.note_failure("dmesg", outcome,
                              is_targets_fault(outcome) ? "looking for another target"
                                                        : "going on with the vmcore");
    return end_of(outcome);
}

StageOutcome EvidenceSaver::attempt_log() {
    ++context_.summary.attempts;
    StageOutcome outcome = context_.runner.run(
        "dmesg", context_.runner.limits_of(context_.plan.deadlines.dmesg_s),
        [this](StageReport& report) { return save_kernel_log(save_request(), report); },
        OomRank::first_to_go);
    keep_facts(outcome.facts);
    here().is_stuck |= outcome.abandoned;
    is_careful_ |= outcome.abandoned;
    return outcome;
}

void EvidenceSaver::show_log_tail() {
    const auto outcome = context_.runner.run(
        "dmesg", context_.runner.limits_of(context_.plan.deadlines.dmesg_s),
        [this](StageReport& report) {
            return show_kernel_log_tail(save_request(), shown_tail_bytes, report);
        },
        OomRank::first_to_go);
    if (!outcome.completed())
        context_.note_failure("dmesg", outcome, "showing nothing more of it");
}

// ---- The vmcore.

SaveEnd EvidenceSaver::save_vmcore(bool others) {
    const std::int64_t began_ms = monotonic_ms();
    const StageOutcome outcome = copy_vmcore_once_or_twice(others);
    if (!here().has_vmcore)
        settle_vmcore();
    note_seconds("vmcore", began_ms);
    return here().has_vmcore ? SaveEnd::saved : end_of(outcome);
}

StageOutcome EvidenceSaver::copy_vmcore_once_or_twice(bool others) {
    const CopyRequest request = copy_request();
    if (here().first_vmcore) // it is come back to
        return attempt_vmcore(second_attempt_after(request, *here().first_vmcore));
    StageOutcome first = attempt_vmcore(request);
    here().first_vmcore = first;
    const bool is_tried_again = !first.completed() && is_worth_second_attempt(first) &&
                                !context_.runner.time_is_over() && !(others && first.hung());
    if (!is_tried_again) {
        if (!first.completed())
            context_.note_failure("vmcore", first, "keeping what is there");
        return first;
    }
    context_.log.error("vmcore: {}, trying once more with the least memory", first.describe());
    CopyRequest again = second_attempt_after(request, first);
    again.save.folder = here().folder; // the first may have made it
    StageOutcome second = attempt_vmcore(again);
    if (!second.completed())
        context_.note_failure("vmcore", second, "keeping what is there");
    return second;
}

StageOutcome EvidenceSaver::attempt_vmcore(const CopyRequest& request) {
    ++context_.summary.attempts;
    StageLimits limits = context_.runner.limits_of(context_.plan.deadlines.vmcore_s);
    limits.stall_ms = to_ms(context_.plan.deadlines.stall_s);
    StageOutcome outcome = context_.runner.run(
        "vmcore", limits, [&](StageReport& report) { return copy_vmcore(request, report); },
        OomRank::first_to_go);
    keep_facts(outcome.facts);
    here().has_vmcore = is_complete(outcome);
    here().is_stuck |= outcome.abandoned;
    is_careful_ |= outcome.abandoned;
    return outcome;
}

void EvidenceSaver::settle_vmcore() {
    if (here().folder.empty())
        return;
    const auto outcome = context_.runner.run(
        "settle", {.deadline = Deadline::after_ms(settle_deadline_ms)},
        [this](StageReport& report) { return settle_partial_dump(save_request(), report); });
    keep_facts(outcome.facts);
    const std::string pages = outcome.fact("dumped");
    here().has_pages = !pages.empty() && pages != "0";
    if (!outcome.completed())
        context_.log.error("vmcore: {}, leaving it as it is", outcome.describe());
}

// ---- The end of a target.

void EvidenceSaver::leave() {
    const std::int64_t began_ms = monotonic_ms();
    if (here().is_stuck)
        detach();
    else {
        Summary so_far = context_.summary;
        tell(so_far);
        const FinishRequest request{save_request(), context_.log.text() + "so far: " + so_far.line() + "\n"};
        // Whatever the stages before took: this one has its time.
        const StageLimits limits{.deadline = Deadline::after_s(context_.plan.deadlines.finish_s)};
        const auto outcome = context_.runner.run(
            "finish", limits, [&](StageReport& report) { return finish_dump(request, report); });
        if (!outcome.completed()) {
            context_.note_failure("finish", outcome, "leaving the rest to the final sync");
            detach();
        }
    }
    note_seconds("finish", began_ms);
}

// Makes place for the next target's mount; a sync would only hang.
void EvidenceSaver::detach() {
    const auto outcome = context_.runner.run("detach", {.deadline = Deadline::after_ms(detach_deadline_ms)},
                                             [this](StageReport&) { return detach_target(context_.paths); });
    if (!outcome.completed())
        context_.log.warning("finish: {}, mounting the next target over it", outcome.describe());
}

// ---- What is known of it.

SaveRequest EvidenceSaver::save_request() const {
    const Plan& plan = context_.plan;
    const bool is_any = target_ < plan.targets.size();
    return {.paths = context_.paths,
            .target_path = is_any ? plan.targets[target_].path : "",
            .host = plan.host,
            .folder = is_any ? here().folder : "",
            .access = is_careful_ ? CoreAccess::read : access_,
            .removes_older = plan.prune == Prune::when_full};
}

CopyRequest EvidenceSaver::copy_request() const {
    const Plan& plan = context_.plan;
    return {.save = save_request(),
            .options = {.level = plan.level,
                        .compression = plan.compression,
                        .threads = is_careful_ ? 1 : plan.threads}};
}

void EvidenceSaver::keep_facts(const Facts& facts) {
    DumpCounts& counted = here().counted;
    for (const auto& [key, value] : facts)
        if (const auto number = parse_unsigned(value))
            counted.set_count(key, *number);
    if (const auto level = facts.find("level"); level != facts.end())
        here().level = static_cast<unsigned>(parse_unsigned(level->second).value_or(context_.plan.level));
    if (const auto folder = facts.find("folder"); folder != facts.end())
        here().folder = folder->second;
}

void EvidenceSaver::note_seconds(std::string_view stage, std::int64_t began_ms) {
    context_.summary.add_stage_ms(stage, monotonic_ms() - began_ms);
}

void EvidenceSaver::tell(Summary& summary) const {
    if (landings_.empty())
        return;
    const auto best = std::ranges::max_element(landings_, {}, &Landing::rank);
    const Target& target = context_.plan.targets[static_cast<std::size_t>(best - landings_.begin())];
    static_cast<DumpCounts&>(summary) = best->counted;
    summary.level = best->level.value_or(summary.level);
    const bool lacks_pages = summary.count("unreadable") > 0;
    summary.result = best->has_vmcore  ? (lacks_pages ? DumpResult::partial : DumpResult::saved)
                     : best->has_pages ? DumpResult::incomplete
                     : best->has_log   ? DumpResult::dmesg_only
                                       : DumpResult::failed;
    if (best->rank() > 0) {
        summary.folder = (target.path == "/" ? "" : target.path) + "/" + best->folder;
        summary.target = target.source();
    }
}

} // namespace lifeboat
