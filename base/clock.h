// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <ctime>

namespace lifeboat {

// Milliseconds on the clock that never jumps (CLOCK_MONOTONIC): for deadlines and durations.
inline std::int64_t monotonic_ms() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

// A point in time that something must not pass. Copyable; zero duration means "has passed".
class Deadline {
public:
    static Deadline after_ms(std::int64_t duration_ms) { return Deadline(monotonic_ms() + duration_ms); }
    static Deadline after_s(std::uint64_t seconds) {
        return after_ms(static_cast<std::int64_t>(seconds) * 1000);
    }
    static Deadline never() { return Deadline(INT64_MAX); }

    [[nodiscard]] std::int64_t remaining_ms() const {
        const std::int64_t left = at_ms_ == INT64_MAX ? INT64_MAX : at_ms_ - monotonic_ms();
        return left < 0 ? 0 : left;
    }
    [[nodiscard]] bool has_passed() const { return remaining_ms() == 0; }
    // So much more than what is left of it; one that never comes stays so.
    [[nodiscard]] Deadline extended_by_ms(std::int64_t more_ms) const {
        return at_ms_ == INT64_MAX ? *this : after_ms(remaining_ms() + more_ms);
    }
    // What poll(2) takes: at most `at_most_ms`.
    [[nodiscard]] int poll_timeout_ms(std::int64_t at_most_ms) const {
        const std::int64_t left = remaining_ms();
        return static_cast<int>(left < at_most_ms ? left : at_most_ms);
    }
    [[nodiscard]] Deadline earlier_of(Deadline other) const {
        return Deadline(at_ms_ < other.at_ms_ ? at_ms_ : other.at_ms_);
    }

private:
    explicit Deadline(std::int64_t at_ms)
        : at_ms_(at_ms) {}
    std::int64_t at_ms_;
};

} // namespace lifeboat
