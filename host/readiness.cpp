// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/readiness.h"

#include "base/descriptor.h"
#include "base/text.h"
#include "host/crash_kernel/kernel_choice.h"
#include "host/crash_kernel/loading.h"
#include "host/crash_kernel/plugged_cpus.h"
#include "host/filter_doubt.h"
#include "host/machine/installed_kernel.h"
#include "host/machine/machine_plan.h"
#include "host/machine/memory_need.h"
#include "host/machine/state_folder.h"

#include <algorithm>
#include <array>

#include <sys/stat.h>
#include <unistd.h>

namespace lifeboat::host {

namespace {

using Severity = Finding::Severity;

// Nothing where there is no such file.
Result<std::optional<Noted>> noted_in(const std::string& path) {
    auto manifest = read_manifest(path);
    if (!manifest && manifest.error().os_error == ENOENT)
        return std::nullopt;
    if (!manifest)
        return fail(std::move(manifest).error());
    auto changes = changed_files(*manifest);
    return Noted{*std::move(manifest), std::move(changes)};
}

std::int64_t modified_s(const std::string& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 ? status.st_mtim.tv_sec : 0;
}

Result<> view_targets(const SystemPaths& paths, const Config& config, const std::optional<Plan>& packed,
                      MachineView& view) {
    DumpStore store = find_dump_store(paths, config);
    const std::vector<KeptDump> dumps = TRY(list_kept_dumps(store.folders));
    if (!dumps.empty())
        view.newest_dump = dumps.back();
    if (packed) {
        view.targets = rooms_of(paths, *packed, config);
        return {};
    }
    for (const std::string& folder : store.folders)
        view.targets.push_back(room_of(folder));
    view.missing_targets = std::move(store.missing);
    return {};
}

Result<> view_loaded(const SystemPaths& paths, MachineView& view) {
    if (auto record = TRY(read_load_record(paths))) {
        auto changes = changed_files(*record);
        view.loaded = Noted{*std::move(record), std::move(changes)};
    }
    return {};
}

std::string loaded_version(const MachineView& view) {
    const bool is_version = view.loaded && view.loaded->manifest.kernel != no_kernel_version;
    return is_version ? view.loaded->manifest.kernel : view.wanted_version;
}

// The plan is worked out again, as `pack` would: what it follows from is in more places than files.
void view_plan(const SystemPaths& paths, const std::string& version, const Config& config,
               const std::string& packed, MachineView& view) {
    const auto now = plan_for_machine(paths, version, config, DeviceView::known);
    if (!now) {
        view.plan_doubt = "the plan cannot be made any more: " + now.error().text;
        return;
    }
    if (now->plan.text() != packed)
        view.plan_doubt =
            "what the plan follows from has changed: the target's device, its drivers, the watchdog";
    view.unattended_watchdogs = now->watchdog.unattended;
}

std::string sentence_of(const std::vector<Change>& changes) {
    std::string text;
    for (const Change& change : changes)
        text += (text.empty() ? "" : ", ") + change.text();
    return text;
}

// From here on each function says what one part of the view means.

void judge_reservation(const MachineView& view, std::vector<Finding>& findings) {
    if (!view.kernel.is_supported) {
        findings.push_back(
            {Severity::failed, "this kernel was built without CONFIG_CRASH_DUMP: run another"});
        return;
    }
    if (view.kernel.reserved_bytes == 0)
        findings.push_back({Severity::failed,
                            "no memory is reserved for a crash kernel: boot with crashkernel=, "
                            "`lifeboat estimate` says how much"});
    const auto needed = view.needed_bytes();
    const std::uint64_t there = view.kernel.reserved_bytes + view.kernel.lent.bytes;
    if (view.kernel.reserved_bytes > 0 && needed && *needed > there)
        findings.push_back(
            {Severity::failed,
             std::format("{} MiB are reserved and {} MiB needed: boot with a larger crashkernel=",
                         there >> 20, (*needed + (1 << 20) - 1) >> 20)});
}

void judge_lent(const MachineView& view, std::vector<Finding>& findings) {
    if (view.kernel.lent.bytes > 0)
        findings.push_back(
            {does_lent_memory_lack(view.kernel.lent, view.level) ? Severity::degraded : Severity::note,
             lent_memory_text(view.kernel.lent, view.level)});
}

void judge_loaded(const MachineView& view, std::vector<Finding>& findings) {
    if (!view.kernel.is_loaded) {
        findings.push_back({Severity::failed, "no crash kernel is loaded: `lifeboat load`"});
        return;
    }
    if (!view.loaded) {
        findings.push_back({Severity::degraded,
                            "the crash kernel that is loaded is not lifeboat's: `lifeboat load` "
                            "takes its place"});
        return;
    }
    const std::string& version = view.loaded->manifest.kernel;
    if (version != no_kernel_version && version != view.wanted_version)
        findings.push_back(
            {Severity::degraded, std::format("kernel {} is loaded as the way back, {} should be: "
                                             "`lifeboat load` says why it is not",
                                             version, view.wanted_version)});
    if (!view.loaded->changes.empty())
        findings.push_back({Severity::degraded, std::format("since it was loaded, {}: `lifeboat reload`",
                                                            sentence_of(view.loaded->changes))});
}

void judge_packed(const MachineView& view, std::vector<Finding>& findings) {
    if (!view.packed) {
        findings.push_back(
            {Severity::degraded, std::format("how the initrd of kernel {} was packed is not known: "
                                             "`lifeboat pack --kernel {}`",
                                             view.wanted_version, view.wanted_version)});
        return;
    }
    const std::string remedy = std::format("`lifeboat pack --kernel {}`{}", view.packed->manifest.kernel,
                                           view.kernel.is_loaded ? ", then `lifeboat reload`" : "");
    // Where a target is in trouble, the plan is not what has to be mended.
    if (!view.plan_doubt.empty() &&
        std::ranges::all_of(view.targets, &std::string::empty, &TargetRoom::trouble))
        findings.push_back({Severity::degraded, std::format("{}: {}", view.plan_doubt, remedy)});
    if (!view.packed->changes.empty())
        findings.push_back({Severity::degraded, std::format("since the initrd was packed, {}: {}",
                                                            sentence_of(view.packed->changes), remedy)});
}

void judge_command_line(const MachineView& view, std::vector<Finding>& findings) {
    if (const auto words = view.loaded ? view.loaded->manifest.fact(left_out_fact) : std::nullopt)
        findings.push_back(
            {Severity::degraded,
             std::format(
                 "the crash kernel's command line had no room for {}, so that it takes more memory than was "
                 "counted: `command_line = -WORD` in lifeboat.conf takes others out, then `lifeboat reload`",
                 *words)});
}

void judge_filter(const MachineView& view, std::vector<Finding>& findings) {
    if (!view.filter_doubt.empty())
        findings.push_back(
            {Severity::degraded, view.filter_doubt + ": a newer lifeboat, or level 1 and the room for it"});
}

void judge_target(const MachineView& view, const TargetRoom& room, Severity trouble,
                  std::vector<Finding>& findings) {
    if (!room.trouble.empty())
        findings.push_back({trouble, room.trouble});
    else if (!room.error.empty())
        findings.push_back(
            {Severity::degraded, room.error + ": it is not known whether it can be written to"});
    else if (room.folder.empty())
        findings.push_back(
            {Severity::degraded,
             std::format(
                 "the target '{}' is not mounted, so that it is not known whether it has room: mount it",
                 room.name)});
    else if (view.newest_dump && room.free_bytes < view.newest_dump->dump.bytes)
        findings.push_back(
            {Severity::degraded,
             std::format("'{}' has {} MiB free, the last dump took {} MiB: `lifeboat prune`", room.folder,
                         room.free_bytes >> 20, view.newest_dump->dump.bytes >> 20)});
}

// They are tried in their order: as long as one is left, a panic is captured.
void judge_targets(const MachineView& view, std::vector<Finding>& findings) {
    const bool none_is_left = std::ranges::none_of(view.targets, &std::string::empty, &TargetRoom::trouble);
    if (view.targets.empty() && view.missing_targets.empty())
        findings.push_back({Severity::failed, "the packed plan has no target: `lifeboat pack`"});
    for (const std::string& missing : view.missing_targets)
        findings.push_back({Severity::degraded, missing + ": it is not known whether it can be written to"});
    for (const TargetRoom& room : view.targets)
        judge_target(view, room, none_is_left ? Severity::failed : Severity::degraded, findings);
}

void judge_cpus(const MachineView& view, std::vector<Finding>& findings) {
    for (const unsigned cpu : view.sleeping_cpus)
        findings.push_back(
            {Severity::degraded,
             std::format(
                 "CPU {0} was plugged in and is not online, and a panic may reset the machine through it: "
                 "`echo 1 > /sys/devices/system/cpu/cpu{0}/online`",
                 cpu)});
}

void judge_watchdogs(const MachineView& view, std::vector<Finding>& findings) {
    for (const std::string& unattended : view.unattended_watchdogs)
        findings.push_back({Severity::degraded, unattended + ": stop it, or install the driver"});
}

void judge_tested(const MachineView& view, std::vector<Finding>& findings) {
    const std::string doubt = view.test_doubt();
    if (!doubt.empty())
        findings.push_back({Severity::note, doubt + ": `lifeboat test`"});
}

std::string_view digest_of(const Manifest& manifest, std::string_view role) {
    const auto found = std::ranges::find(manifest.files, role, &ManifestFile::role);
    return found == manifest.files.end() ? std::string_view() : found->digest;
}

bool are_same_files(const Manifest& one, const Manifest& other) {
    return std::ranges::all_of(std::array{"image", "initrd"}, [&](std::string_view role) {
        return digest_of(one, role) == digest_of(other, role);
    });
}

} // namespace

std::optional<std::uint64_t> MachineView::needed_bytes() const {
    const auto noted = packed ? noted_need(packed->manifest) : std::nullopt;
    return noted ? std::optional(need_for(*noted, kernel.reservation())) : std::nullopt;
}

std::string MachineView::watchdog() const {
    return std::string(packed ? packed->manifest.fact(watchdog_fact).value_or("not known") : "not known");
}

std::string MachineView::test_doubt() const {
    if (!tested)
        return "a crash was never tested here";
    if (!tested->changes.empty())
        return std::format("since the last crash test, {}", sentence_of(tested->changes));
    if (loaded && !are_same_files(loaded->manifest, tested->manifest))
        return "what is loaded is not what the last crash test was of";
    if (loaded && loaded->manifest.fact("command_line") != tested->manifest.fact("command_line"))
        return "since the last crash test, the crash kernel's command line has changed";
    return {};
}

Result<MachineView> view_machine(const SystemPaths& paths, const Config& config) {
    MachineView view{.kernel = read_crash_kernel_state(paths)};
    view.level = config.plan.level;
    view.wanted_version = TRY(choose_kernel(paths, "")).version;
    TRY(view_loaded(paths, view));
    const std::string version = loaded_version(view);
    view.packed = TRY(noted_in(in_state(paths, "manifest-" + version)));
    const auto plan = read_file(in_state(paths, "plan-" + version));
    if (view.packed && plan) // that it is not known how it was packed is said where one is missing
        view_plan(paths, version, config, *plan, view);
    view.packed_s = modified_s(in_state(paths, "initrd.img-" + version));
    view.sleeping_cpus = sleeping_plugged_cpus(paths);
    view.filter_doubt = filter_doubt(paths, running_kernel_version(paths).value_or(""), config.plan.level);
    view.tested = TRY(noted_in(in_state(paths, "tested")));
    TRY(view_targets(paths, config, plan ? std::optional(Plan::parse(*plan)) : std::nullopt, view));
    return view;
}

std::vector<Finding> findings_of(const MachineView& view) {
    std::vector<Finding> findings;
    judge_reservation(view, findings);
    judge_targets(view, findings);
    judge_packed(view, findings);
    judge_loaded(view, findings);
    judge_command_line(view, findings);
    judge_lent(view, findings);
    judge_filter(view, findings);
    judge_cpus(view, findings);
    judge_watchdogs(view, findings);
    judge_tested(view, findings);
    return findings;
}

Finding::Severity gravest(const std::vector<Finding>& findings) {
    return findings.empty() ? Severity::note : std::ranges::max(findings, {}, &Finding::severity).severity;
}

} // namespace lifeboat::host
