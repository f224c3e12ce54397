// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/log.h"

namespace lifeboat {

namespace {

char letter_of(LogLevel level) {
    switch (level) {
    case LogLevel::info:
        return 'i';
    case LogLevel::warning:
        return 'w';
    case LogLevel::error:
        return 'e';
    }
    return '?';
}

} // namespace

std::string printable(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string shown;
    shown.reserve(text.size());
    for (const char character : text) {
        const auto byte = static_cast<unsigned char>(character);
        if (byte >= 0x20 && byte < 0x7f)
            shown += character;
        else
            shown.append({'\\', 'x', digits[byte >> 4], digits[byte & 15]});
    }
    return shown;
}

void LogMemory::append(std::int64_t uptime_ms, LogLevel level, std::string_view line) {
    std::string entry =
        std::format("[{:5}.{:03}] {} {}\n", uptime_ms / 1000, uptime_ms % 1000, letter_of(level), line);
    if (entry.size() > half_bytes_)
        entry = entry.substr(0, half_bytes_ - 1) + '\n';
    if (newest_.empty() && oldest_.size() + entry.size() <= half_bytes_) {
        oldest_ += entry;
        return;
    }
    std::size_t cut = 0;
    while (newest_.size() - cut + entry.size() > half_bytes_) {
        cut = newest_.find('\n', cut) + 1;
        ++lost_lines_;
    }
    newest_.erase(0, cut);
    newest_ += entry;
}

std::string LogMemory::text() const {
    if (lost_lines_ == 0)
        return oldest_ + newest_;
    return oldest_ + std::format("... {} lines are missing here, the log was full\n", lost_lines_) + newest_;
}

} // namespace lifeboat
