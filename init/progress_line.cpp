// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/progress_line.h"

#include <format>

namespace lifeboat {

namespace {

constexpr std::int64_t shortest_interval_ms = 2000;
constexpr std::int64_t longest_interval_ms = 10'000;

std::uint64_t percent_of(const DumpProgress& progress) {
    if (progress.total_pages == 0)
        return 100;
    return static_cast<std::uint64_t>(100.0 * static_cast<double>(progress.done_pages) /
                                      static_cast<double>(progress.total_pages));
}

} // namespace

std::optional<std::string> ProgressLine::note(const DumpProgress& progress, std::int64_t now_ms) {
    if (progress.phase == DumpProgress::Phase::copying && !copying_since_ms_)
        copying_since_ms_ = now_ms;
    const std::uint64_t percent = percent_of(progress);
    if (!is_due(percent, now_ms))
        return std::nullopt;
    last_line_ms_ = now_ms;
    last_percent_ = percent;
    said_any_ = true;
    return words(progress, percent, now_ms);
}

bool ProgressLine::is_due(std::uint64_t percent, std::int64_t now_ms) const {
    const std::int64_t since_ms = now_ms - last_line_ms_;
    if (since_ms < shortest_interval_ms)
        return false;
    return !said_any_ || percent / 10 != last_percent_ / 10 || since_ms >= longest_interval_ms;
}

std::string ProgressLine::words(const DumpProgress& progress, std::uint64_t percent,
                                std::int64_t now_ms) const {
    if (progress.phase == DumpProgress::Phase::scanning)
        return std::format("vmcore: {} % of memory classified", percent);
    const double seconds = static_cast<double>(now_ms - *copying_since_ms_) / 1000;
    const auto done = static_cast<double>(progress.done_pages),
               total = static_cast<double>(progress.total_pages);
    if (done == 0 || seconds <= 0)
        return std::format("vmcore: {} % copied", percent);
    return std::format("vmcore: {} % copied, {:.0f} MB/s, {:.0f} MB written, {:.0f} s left", percent,
                       done * static_cast<double>(page_bytes_) / seconds / 1e6,
                       static_cast<double>(progress.written_bytes) / 1e6, (total - done) / done * seconds);
}

} // namespace lifeboat
