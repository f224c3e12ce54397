// SPDX-License-Identifier: GPL-2.0-or-later
// Finds the target's block device: looks at what is there, scans the SCSI hosts, waits for uevents, looks
// again. Runs in a child of PID 1: a dead disk can hold it for ever.
#pragma once

#include "base/clock.h"
#include "base/log.h"
#include "stages/block_devices.h"
#include "stages/plan.h"
#include "stages/system_paths.h"
#include "stages/uevent.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace lifeboat {

class ModuleLoader;

struct FoundTarget {
    std::string node; // the device's path
    std::string type; // what the probe says, may be empty
};

class TargetSearch {
public:
    struct Manner {
        ModuleLoader* coldplug = nullptr; // if there is one, modules are loaded for devices that appear
        std::string_view role = "target"; // begins the log's lines
        std::int64_t first_scan_ms = 0;   // the SCSI hosts are scanned no earlier than that
    };
    static Result<TargetSearch> start(const SystemPaths& paths, const Manner& manner, Log& log);

    // Waits for the target until the deadline, looking at least once. Fails with timed_out.
    Result<FoundTarget> find(const Target& target, Deadline deadline);

    // Every block device seen with its tags, one log line each.
    void log_devices();

private:
    struct Probed {
        BlockDevice device;
        DeviceTags tags;
    };

    TargetSearch(SystemPaths paths, const Manner& manner, Log& log, UeventSocket uevents)
        : paths_(std::move(paths))
        , coldplug_(manner.coldplug)
        , role_(manner.role)
        , log_(&log)
        , uevents_(std::move(uevents))
        , next_scan_(Deadline::after_ms(manner.first_scan_ms)) {}

    void look();
    void look_at(const BlockDevice& device);
    [[nodiscard]] std::optional<FoundTarget> found(const Target& target) const;
    void scan_when_due(Deadline deadline);
    void wait_for_news(Deadline deadline);
    void take_event(const Uevent& event);

    SystemPaths paths_;
    ModuleLoader* coldplug_;
    std::string role_;
    Log* log_;
    UeventSocket uevents_;
    std::map<std::string, Probed> devices_; // by name; each is probed once, and again when it changed
    std::int64_t scan_interval_ms_ = 1000;
    std::int64_t last_scan_took_ms_ = 0;
    Deadline next_scan_;
};

} // namespace lifeboat
