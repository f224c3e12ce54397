// SPDX-License-Identifier: GPL-2.0-or-later
// Whether the next panic will be captured: what is known of this machine, and what follows from it.
#pragma once

#include "base/result.h"
#include "host/config.h"
#include "host/crash_kernel/crash_kernel_state.h"
#include "host/dump_store.h"
#include "host/machine/manifest.h"
#include "host/target_room.h"
#include "stages/system_paths.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lifeboat::host {

// A manifest, and what has changed of its files since it was written.
struct Noted {
    Manifest manifest;
    std::vector<Change> changes;
};

struct MachineView {
    CrashKernelState kernel;
    unsigned level = 31;         // the dump level that is configured
    std::string wanted_version;  // pinned, or the running kernel's
    std::optional<Noted> loaded; // by lifeboat, since the machine booted
    std::optional<Noted> packed; // the manifest of the loaded version, or else of the wanted one
    std::string plan_doubt; // what is no longer right about the packed plan; empty: it is as it would be now
    std::vector<std::string> unattended_watchdogs; // MachineWatchdog::unattended, as it is now
    std::int64_t packed_s = 0;                     // when, in seconds since 1970; 0: not known
    std::vector<unsigned> sleeping_cpus;           // host/crash_kernel/plugged_cpus.h
    std::string filter_doubt;                      // as host/filter_doubt.h, of the running kernel
    std::optional<Noted> tested;                   // the last crash test that passed
    std::vector<TargetRoom> targets;          // of the packed plan; of the configuration where there is none
    std::vector<std::string> missing_targets; // of the configuration then; one sentence each
    std::optional<KeptDump> newest_dump;

    // What the packed plan needs in this reservation, as `pack` has noted it.
    [[nodiscard]] std::optional<std::uint64_t> needed_bytes() const;
    // The watchdog that the packed plan has, or what it means that there is none.
    [[nodiscard]] std::string watchdog() const;
    // Why the last test that passed says nothing of what is loaded now, a sentence; empty: it still holds.
    [[nodiscard]] std::string test_doubt() const;
};

// Fails where a manifest is there and cannot be understood, or the dumps cannot be listed.
Result<MachineView> view_machine(const SystemPaths& paths, const Config& config);

struct Finding {
    enum class Severity : std::uint8_t {
        note,     // to be known
        degraded, // a panic will be captured, but not as it should be, or perhaps not from then on
        failed,   // a panic will not be captured
    };
    Severity severity = Severity::note;
    std::string text; // the cause, and behind it what to do
};

// In the order in which they are to be dealt with: what another follows from is before it.
std::vector<Finding> findings_of(const MachineView& view);
// The gravest of them; note when there are none.
Finding::Severity gravest(const std::vector<Finding>& findings);

} // namespace lifeboat::host
