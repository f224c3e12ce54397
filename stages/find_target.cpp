// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/find_target.h"

#include "base/text.h"
#include "stages/coldplug_modules.h"
#include "stages/device_node.h"
#include "stages/scan_scsi_hosts.h"

#include <algorithm>
#include <array>
#include <vector>

#include <poll.h>
#include <sys/stat.h>

namespace lifeboat {

namespace {

// A disk that shows to a scan only may be slow to spin up; a scan of a big host is slow too. So: 1, 2, 4, ...
// s.
constexpr std::int64_t longest_scan_interval_ms = 16'000;
// One that could not be read is asked again after 1, 2, 4, ... s.
constexpr std::int64_t longest_probe_pause_ms = 8000;
// Each is a process of some 150 KiB in a machine that may have nothing to spare.
constexpr std::ptrdiff_t most_probes_at_once = 4;
// What is being looked at when the deadline passes has that long to answer. Less than the stage's grace.
constexpr std::int64_t last_look_ms = 2000;

// ---- The answers of side processes.

constexpr std::array tag_fields{&DeviceTags::type,      &DeviceTags::uuid,       &DeviceTags::label,
                                &DeviceTags::part_uuid, &DeviceTags::part_label, &DeviceTags::journal_uuid,
                                &DeviceTags::trouble};

// Each field ended by a NUL, which none of them holds, and "!" where it could not be read.
std::string answer_of(const DeviceTags& tags) {
    std::string answer;
    for (const auto field : tag_fields)
        answer += tags.*field + '\0';
    return answer + (tags.is_unreadable ? "!" : "");
}

// Nothing where the answer was cut off.
std::optional<DeviceTags> tags_in(std::string_view answer) {
    const auto parts = split(answer, '\0');
    if (parts.size() < tag_fields.size())
        return std::nullopt;
    DeviceTags tags;
    for (std::size_t index = 0; index < tag_fields.size(); ++index)
        tags.*tag_fields[index] = parts[index];
    tags.is_unreadable = parts.size() > tag_fields.size();
    return tags;
}

class CollectingLog final : public Log {
public:
    void write(LogLevel, std::string_view line) override { lines_ += std::format("{}\n", line); }
    [[nodiscard]] const std::string& lines() const { return lines_; }

private:
    std::string lines_;
};

std::string scan_all(const SystemPaths& paths) {
    CollectingLog complaints;
    const std::size_t hosts = scan_scsi_hosts(paths, complaints);
    return std::format("{}\n{}", hosts, complaints.lines());
}

// Of a device before it was looked into, or that cannot be.
DeviceTags kernels_tags(const BlockDevice& device, std::string trouble = {}) {
    DeviceTags tags{.trouble = std::move(trouble)};
    tags.is_unreadable = !tags.trouble.empty();
    add_kernels_names(tags, device);
    return tags;
}

} // namespace

Result<TargetSearch> TargetSearch::start(const SystemPaths& paths, const Manner& manner, Log& log) {
    return TargetSearch(paths, manner, log, TRY(UeventSocket::open()));
}

Result<FoundTarget> TargetSearch::find(const Target& target, Deadline deadline) {
    const std::int64_t started_ms = monotonic_ms();
    const Deadline last_look = deadline.extended_by_ms(last_look_ms);
    for (;;) {
        start_scan_when_due(deadline);
        see_what_is_there();
        start_probes(target);
        const bool is_over = deadline.has_passed() && (is_settled() || last_look.has_passed());
        if (auto device = TRY(found(target, is_over)))
            return *std::move(device);
        if (is_over)
            return fail(ErrorKind::timed_out, "find {}: not there after {:.1f} s", target.source(),
                        static_cast<double>(monotonic_ms() - started_ms) / 1000);
        wait_for_news(deadline.has_passed() ? last_look : deadline);
    }
}

void TargetSearch::log_devices() {
    if (devices_.empty())
        log_->warning("{}: no block device was seen", role_);
    for (const auto& [name, seen] : devices_)
        log_->warning("{}: seen {}", role_, describe(seen.device, seen.tags));
}

void TargetSearch::see_what_is_there() {
    const auto present = list_block_devices(paths_);
    std::erase_if(devices_, [&](const auto& known) {
        return std::ranges::none_of(present,
                                    [&](const BlockDevice& device) { return device == known.second.device; });
    });
    for (const BlockDevice& device : present)
        if (!devices_.contains(device.name))
            devices_.emplace(device.name, Seen{.device = device, .tags = kernels_tags(device)});
    take_answers();
}

void TargetSearch::take_answers() {
    for (auto& [name, seen] : devices_)
        if (seen.probe)
            take_answer(seen);
}

void TargetSearch::take_answer(Seen& seen) {
    const auto answer = seen.probe->take_answer();
    if (!answer && !seen.probe_ends.has_passed())
        return;
    if (auto tags = answer ? tags_in(*answer) : std::nullopt) {
        seen.tags = *std::move(tags);
        add_kernels_names(seen.tags, seen.device);
    } else {
        seen.tags = kernels_tags(
            seen.device, answer ? "the probe died" : std::format("no answer within {} ms", probe_limit_ms_));
    }
    seen.probe.reset();
    seen.was_probed = true;
    seen.next_probe = Deadline::after_ms(seen.pause_ms);
    seen.pause_ms = std::min(seen.pause_ms * 2, longest_probe_pause_ms);
}

// Those first that the target may well be on, by what the kernel says of them without a look inside; as long
// as none of them has been looked at, no other is.
void TargetSearch::start_probes(const Target& target) {
    const auto is_likely = [&](const Seen& seen) {
        return matches(target, seen.device, seen.tags) ||
               (target.size_bytes > 0 && seen.device.size_bytes == target.size_bytes);
    };
    const auto is_due = [](const Seen& seen) {
        return !seen.probe && (!seen.was_probed || (seen.tags.is_unreadable && seen.next_probe.has_passed()));
    };
    auto running =
        std::ranges::count_if(devices_, [](const auto& one) { return one.second.probe.has_value(); });
    const bool waits_for_likely =
        match_ == Match::first && std::ranges::any_of(devices_, [&](const auto& one) {
            return is_likely(one.second) && !one.second.was_probed;
        });
    for (const bool likely : {true, false})
        for (auto& [name, seen] : devices_)
            if (running < most_probes_at_once && is_due(seen) && is_likely(seen) == likely &&
                (likely || !waits_for_likely)) {
                start_probe(seen);
                running += seen.probe ? 1 : 0;
            }
}

void TargetSearch::start_probe(Seen& seen) {
    const auto node = device_node(paths_, seen.device.name, S_IFBLK, seen.device.number);
    auto probe = node ? SideProcess::start([&] { return answer_of(probe_node(*node)); }) : fail(node.error());
    if (probe) {
        seen.probe.emplace(*std::move(probe));
        seen.probe_ends = Deadline::after_ms(probe_limit_ms_);
        return;
    }
    seen.tags.trouble = probe.error().text;
    seen.tags.is_unreadable = seen.was_probed = true;
    seen.next_probe = Deadline::after_ms(seen.pause_ms);
}

// Whether all that is there has been looked at.
bool TargetSearch::is_settled() const {
    return !scan_ && std::ranges::all_of(devices_, [](const auto& one) {
        return one.second.was_probed && !one.second.probe;
    });
}

// `at_last`: what could not be read is taken too, where its name alone says that it is the target.
Result<std::optional<FoundTarget>> TargetSearch::found(const Target& target, bool at_last) {
    if (match_ == Match::only && !at_last && !is_settled())
        return std::nullopt;
    std::optional<FoundTarget> found;
    std::string first_name;
    for (const auto& [name, seen] : devices_) {
        const bool is_known = seen.was_probed && !seen.probe && (!seen.tags.is_unreadable || at_last);
        if (!is_known || !matches(target, seen.device, seen.tags))
            continue;
        if (found)
            return fail(ErrorKind::invalid, "{} is on two devices, '/dev/{}' and '/dev/{}': using neither",
                        target.source(), first_name, name);
        auto node = device_node(paths_, seen.device.name, S_IFBLK, seen.device.number);
        if (!node)
            continue;
        found = FoundTarget{*std::move(node), seen.tags.type};
        first_name = name;
        if (match_ == Match::first)
            break;
    }
    return found;
}

void TargetSearch::start_scan_when_due(Deadline deadline) {
    take_scan();
    // Nor one that would go on beyond the deadline.
    if (scan_ || !next_scan_.has_passed() || last_scan_took_ms_ > deadline.remaining_ms())
        return;
    scan_started_ms_ = monotonic_ms();
    if (auto scan = SideProcess::start([this] { return scan_all(paths_); }))
        scan_.emplace(*std::move(scan));
    else
        log_->warning("scsi: {}, going on without a scan", scan.error().text);
    next_scan_ = Deadline::after_ms(scan_interval_ms_);
    scan_interval_ms_ = std::min(scan_interval_ms_ * 2, longest_scan_interval_ms);
}

void TargetSearch::take_scan() {
    const auto answer = scan_ ? scan_->take_answer() : std::nullopt;
    if (!answer)
        return;
    scan_.reset();
    last_scan_took_ms_ = monotonic_ms() - scan_started_ms_;
    const auto lines = split_lines(*answer);
    if (lines.empty())
        return;
    for (const std::string_view complaint : std::span(lines).subspan(1))
        log_->warning("{}", complaint);
    if (lines.front() != "0")
        log_->info("scsi: {} hosts scanned in {} ms", lines.front(), last_scan_took_ms_);
}

void TargetSearch::wait_for_news(Deadline deadline) {
    std::vector<pollfd> waited{{uevents_.fd(), POLLIN, 0}};
    // What is due already waits for something else.
    const auto wake_at = [&](Deadline time) {
        if (!time.has_passed())
            deadline = deadline.earlier_of(time);
    };
    if (scan_)
        waited.push_back({scan_->fd(), POLLIN, 0});
    else
        wake_at(next_scan_);
    for (const auto& [name, seen] : devices_)
        if (seen.probe) {
            waited.push_back({seen.probe->fd(), POLLIN, 0});
            deadline = deadline.earlier_of(seen.probe_ends);
        } else if (seen.tags.is_unreadable) {
            wake_at(seen.next_probe);
        }
    ::poll(waited.data(), waited.size(), deadline.poll_timeout_ms(INT32_MAX));
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
