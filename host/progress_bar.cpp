// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/progress_bar.h"

#include "base/clock.h"

#include <algorithm>
#include <cstdio>
#include <format>

#include <unistd.h>

namespace lifeboat::host {

namespace {

constexpr std::int64_t shown_every_ms = 200;
constexpr std::int64_t rate_known_after_ms = 500; // before, it says more about the start than about the rest
constexpr std::uint64_t bar_places = 20;
constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;

std::string rate_and_rest(const DumpProgress& progress, std::uint64_t page_bytes, std::uint64_t elapsed_ms) {
    const std::uint64_t bytes_per_second = progress.done_pages * page_bytes * 1000 / elapsed_ms;
    const std::uint64_t rest_pages = progress.total_pages - progress.done_pages;
    const std::uint64_t rest_seconds = rest_pages * elapsed_ms / progress.done_pages / 1000;
    return std::format("  {:5} MiB/s  {:2}:{:02} left", bytes_per_second / mebibyte, rest_seconds / 60,
                       rest_seconds % 60);
}

} // namespace

std::string progress_line(std::string_view verb, const DumpProgress& progress, std::uint64_t page_bytes,
                          std::int64_t elapsed_ms) {
    const std::uint64_t total = std::max<std::uint64_t>(progress.total_pages, 1);
    const std::uint64_t done = std::min(progress.done_pages, total);
    const std::size_t filled = done * bar_places / total;
    const std::string_view doing = progress.phase == DumpProgress::Phase::scanning ? "scanning" : verb;
    std::string line = std::format("{:<8} [{:#<{}}{:-<{}}] {:3} %", doing, "", filled, "",
                                   bar_places - filled, done * 100 / total);
    if (done > 0 && elapsed_ms >= rate_known_after_ms)
        line += rate_and_rest({progress.phase, done, total, 0}, page_bytes,
                              static_cast<std::uint64_t>(elapsed_ms));
    return line;
}

ProgressBar::ProgressBar(std::string_view verb, std::uint64_t page_bytes)
    : verb_(verb)
    , page_bytes_(page_bytes)
    , is_shown_(::isatty(STDERR_FILENO) == 1)
    , phase_began_ms_(monotonic_ms())
    , shown_at_ms_(phase_began_ms_) {}

ProgressBar::~ProgressBar() {
    if (is_shown_)
        std::fputs("\r\033[K", stderr);
}

void ProgressBar::show(const DumpProgress& progress) {
    if (!is_shown_)
        return;
    const std::int64_t now_ms = monotonic_ms();
    if (progress.phase != phase_) {
        phase_ = progress.phase;
        phase_began_ms_ = now_ms;
    }
    if (now_ms - shown_at_ms_ < shown_every_ms)
        return;
    shown_at_ms_ = now_ms;
    const std::string line = progress_line(verb_, progress, page_bytes_, now_ms - phase_began_ms_);
    std::fputs(("\r" + line + "\033[K").c_str(), stderr);
}

} // namespace lifeboat::host
