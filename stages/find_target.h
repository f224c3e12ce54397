// SPDX-License-Identifier: GPL-2.0-or-later
// Finds the target's block device: looks at what is there, scans the SCSI hosts, waits for uevents, looks
// again. What may hang on a dead disk, a probe or a scan, is done beside it (stages/side_process.h): the
// search goes on meanwhile, and ends with the first device that fits. Runs in a child of PID 1.
#pragma once

#include "base/clock.h"
#include "base/log.h"
#include "stages/block_devices.h"
#include "stages/plan.h"
#include "stages/side_process.h"
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
    // Whether two devices that fit are an error, or the first is taken.
    enum class Match : std::uint8_t { first, only };
    struct Manner {
        ModuleLoader* coldplug = nullptr; // if there is one, modules are loaded for devices that appear
        std::string_view role = "target"; // begins the log's lines
        std::int64_t first_scan_ms = 0;   // the SCSI hosts are scanned no earlier than that
        Match match = Match::first;
        std::int64_t probe_limit_ms = 5000; // after that a probe is given up
    };
    static Result<TargetSearch> start(const SystemPaths& paths, const Manner& manner, Log& log);

    // Waits for the target until the deadline, looking at least once at what is there. Fails with timed_out;
    // with Match::only, where more than one fits, with invalid.
    Result<FoundTarget> find(const Target& target, Deadline deadline);

    // Every block device seen with its tags, one log line each.
    void log_devices();

private:
    struct Seen {
        BlockDevice device;
        DeviceTags tags; // before a probe what the kernel says
        std::optional<SideProcess> probe;
        Deadline probe_ends = Deadline::never();
        bool was_probed = false;                     // to its end, or given up
        Deadline next_probe = Deadline::after_ms(0); // for one that was not probed, or with trouble
        std::int64_t pause_ms = 1000;
    };

    TargetSearch(SystemPaths paths, const Manner& manner, Log& log, UeventSocket uevents)
        : paths_(std::move(paths))
        , coldplug_(manner.coldplug)
        , role_(manner.role)
        , match_(manner.match)
        , probe_limit_ms_(manner.probe_limit_ms)
        , log_(&log)
        , uevents_(std::move(uevents))
        , next_scan_(Deadline::after_ms(manner.first_scan_ms)) {}

    void see_what_is_there();
    void take_answers();
    void take_answer(Seen& seen);
    void start_probes(const Target& target);
    void start_probe(Seen& seen);
    [[nodiscard]] bool is_settled() const;
    [[nodiscard]] Result<std::optional<FoundTarget>> found(const Target& target, bool at_last);
    void start_scan_when_due(Deadline deadline);
    void take_scan();
    void wait_for_news(Deadline deadline);
    void take_event(const Uevent& event);

    SystemPaths paths_;
    ModuleLoader* coldplug_;
    std::string role_;
    Match match_;
    std::int64_t probe_limit_ms_;
    Log* log_;
    UeventSocket uevents_;
    std::map<std::string, Seen>
        devices_; // by name; each is probed once, again when it changed or could not be read
    std::optional<SideProcess> scan_;
    std::int64_t scan_interval_ms_ = 1000;
    std::int64_t scan_started_ms_ = 0;
    std::int64_t last_scan_took_ms_ = 0;
    Deadline next_scan_;
};

} // namespace lifeboat
