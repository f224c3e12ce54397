// SPDX-License-Identifier: GPL-2.0-or-later
// Log lines: who writes them sees a Log; who shows or keeps them implements it. A line is one sentence
// without its newline. Text from outside (labels, a dead kernel's strings) goes through printable() where it
// is shown.
#pragma once

#include <cstddef>
#include <cstdint>
#include <format>
#include <string>
#include <string_view>

namespace lifeboat {

enum class LogLevel : std::uint8_t { info, warning, error };

class Log {
public:
    virtual ~Log() = default;
    virtual void write(LogLevel level, std::string_view line) = 0;

    template <class... Args>
    void info(std::format_string<Args...> format, const Args&... args) {
        write(LogLevel::info, std::vformat(format.get(), std::make_format_args(args...)));
    }
    // Something survived: the line ends in what happens instead.
    template <class... Args>
    void warning(std::format_string<Args...> format, const Args&... args) {
        write(LogLevel::warning, std::vformat(format.get(), std::make_format_args(args...)));
    }
    // Something lost.
    template <class... Args>
    void error(std::format_string<Args...> format, const Args&... args) {
        write(LogLevel::error, std::vformat(format.get(), std::make_format_args(args...)));
    }
};

// Printable ASCII as it is, all else as \xNN: what may go to a terminal. A backslash stays as it is.
std::string printable(std::string_view text);

// A log kept in memory, bounded: when it is full the first half stays, of the second the newest lines, and in
// between a line says how many are missing.
class LogMemory {
public:
    explicit LogMemory(std::size_t limit_bytes)
        : half_bytes_(limit_bytes / 2) {}

    // As "[    1.234] w line", the seconds being those since the kernel's start.
    void append(std::int64_t uptime_ms, LogLevel level, std::string_view line);
    [[nodiscard]] std::string text() const;

private:
    std::size_t half_bytes_;
    std::string oldest_;
    std::string newest_;
    std::size_t lost_lines_ = 0;
};

} // namespace lifeboat
