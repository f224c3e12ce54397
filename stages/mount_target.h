// SPDX-License-Identifier: GPL-2.0-or-later
// Mounts the target's file system (libmount, without its helpers and its records).
#pragma once

#include "base/clock.h"
#include "base/log.h"
#include "stages/find_target.h"
#include "stages/plan.h"
#include "stages/system_paths.h"

#include <span>

namespace lifeboat {

// On paths.mount_point, which is made when missing. The mount stays when the process ends.
Result<> mount_target(const SystemPaths& paths, const Target& target, const FoundTarget& found);

// Takes the mount point away from a file system that hangs or is in use: lazily, nothing is written.
Result<> detach_target(const SystemPaths& paths);

struct TargetRequest {
    SystemPaths paths;
    std::span<const Target> targets;
    Deadline deadline;
    bool coldplug = false;
    // After a search that failed: without modules to load that were not loaded then, it is not repeated.
    bool again = false;
    bool tells_devices = true;        // those that were seen, where none of the targets is among them
    std::string_view role = "target"; // what the log calls it
    // The SCSI hosts are scanned no earlier than that: drivers look for disks themselves when they are
    // loaded. What a scan costs is up to 256 grace periods of RCU a host: 0.1 s on one CPU, 10 s on two.
    std::int64_t first_scan_ms = 1000;
    TargetSearch::Match match = TargetSearch::Match::first;
};

// The device of a request's one target. What it takes to mount it, its file system's module, is loaded where
// coldplug is asked for.
Result<FoundTarget> find_target(const TargetRequest& request, Log& log);

struct MountedTarget {
    std::size_t index = 0; // among those that were asked for
    FoundTarget found;
};

// The first of the targets that can be found and mounted. The first one is waited for until the deadline;
// those after it are taken if they are there by then.
Result<MountedTarget> find_and_mount_target(const TargetRequest& request, Log& log);

} // namespace lifeboat
