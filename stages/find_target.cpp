// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/find_target.h"

#include "stages/coldplug_modules.h"
#include "stages/device_node.h"
#include "stages/scan_scsi_hosts.h"

#include <algorithm>

#include <poll.h>
#include <sys/stat.h>

namespace lifeboat {

namespace {

// A disk that shows to a scan only may be slow to spin up; a scan of a big host is slow too. So: 1, 2, 4, ...
// s.
constexpr std::int64_t longest_scan_interval_ms = 16'000;

} // namespace

Result<TargetSearch> TargetSearch::start(const SystemPaths& paths, const Manner& manner, Log& log) {
    return TargetSearch(paths, manner, log, TRY(UeventSocket::open()));
}

Result<FoundTarget> TargetSearch::find(const Target& target, Deadline deadline) {
    const std::int64_t started_ms = monotonic_ms();
    for (;;) {
        scan_when_due(deadline);
        look();
        if (auto device = found(target))
            return *std::move(device);
        if (deadline.has_passed())
            return fail(ErrorKind::timed_out, "find {}: not there after {:.1f} s", target.source(),
                        static_cast<double>(monotonic_ms() - started_ms) / 1000);
        wait_for_news(deadline);
    }
}

void TargetSearch::log_devices() {
    if (devices_.empty())
        log_->warning("{}: no block device was seen", role_);
    for (const auto& [name, probed] : devices_)
        log_->warning("{}: seen {}", role_, describe(probed.device, probed.tags));
}

void TargetSearch::look() {
    const auto present = list_block_devices(paths_);
    std::erase_if(devices_, [&](const auto& known) {
        return std::ranges::none_of(present,
                                    [&](const BlockDevice& device) { return device == known.second.device; });
    });
    for (const BlockDevice& device : present)
        look_at(device);
}

void TargetSearch::look_at(const BlockDevice& device) {
    if (!devices_.contains(device.name))
        devices_.emplace(device.name, Probed{device, probe_device(paths_, device)});
}

std::optional<FoundTarget> TargetSearch::found(const Target& target) const {
    for (const auto& [name, probed] : devices_) {
        if (!matches(target, probed.device, probed.tags))
            continue;
        const auto node = device_node(paths_, probed.device.name, S_IFBLK, probed.device.number);
        if (node)
            return FoundTarget{*node, probed.tags.type};
    }
    return std::nullopt;
}

void TargetSearch::scan_when_due(Deadline deadline) {
    // Nor one that would go on beyond the deadline.
    if (!next_scan_.has_passed() || last_scan_took_ms_ > deadline.remaining_ms())
        return;
    const std::int64_t started_ms = monotonic_ms();
    const std::size_t hosts = scan_scsi_hosts(paths_, *log_);
    last_scan_took_ms_ = monotonic_ms() - started_ms;
    if (hosts > 0)
        log_->info("scsi: {} hosts scanned in {} ms", hosts, last_scan_took_ms_);
    next_scan_ = Deadline::after_ms(scan_interval_ms_);
    scan_interval_ms_ = std::min(scan_interval_ms_ * 2, longest_scan_interval_ms);
}

void TargetSearch::wait_for_news(Deadline deadline) {
    pollfd waited{.fd = uevents_.fd(), .events = POLLIN, .revents = 0};
    ::poll(&waited, 1, deadline.earlier_of(next_scan_).poll_timeout_ms(INT32_MAX));
    const auto batch = uevents_.take_all();
    if (batch.some_lost)
        devices_.clear();
    for (const Uevent& event : batch.events)
        take_event(event);
}

void TargetSearch::take_event(const Uevent& event) {
    if (event.subsystem == "block")
        devices_.erase(event.device_name);
    if (event.subsystem == "scsi_host" && event.action == "add")
        next_scan_ = Deadline::after_ms(0);
    if (coldplug_ != nullptr && event.action == "add" && !event.modalias.empty())
        coldplug_->load_for(event.modalias);
}

} // namespace lifeboat
