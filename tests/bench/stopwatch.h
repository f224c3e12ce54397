// SPDX-License-Identifier: GPL-2.0-or-later
// Wall clock and CPU time since it was made, as the benchmarks' programs print them.
#pragma once

#include <chrono>
#include <ctime>
#include <format>
#include <string>

namespace lifeboat::bench {

class Stopwatch {
public:
    // "seconds=1.234567 cpu=1.234567": the second is user and system time of the whole process.
    [[nodiscard]] std::string read() const {
        const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start_;
        return std::format("seconds={:.6f} cpu={:.6f}", wall.count(), cpu_seconds() - cpu_start_);
    }

private:
    static double cpu_seconds() {
        timespec time{};
        ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
    }

    double cpu_start_ = cpu_seconds();
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

} // namespace lifeboat::bench
