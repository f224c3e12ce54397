// SPDX-License-Identifier: GPL-2.0-or-later
// A process that does harm to one of lifeboat's children: what damaged memory, a lack of it or a disk may do.
#pragma once

#include <cstddef>
#include <string>

namespace guest {

struct Sabotage {
    // "kill": SIGKILL; "stop": SIGSTOP; "crash": SIGSEGV; "oom": eats memory until the kernel's OOM killer
    // has taken the child; "starve": takes all time of all CPUs for half a minute; "panic": the crash kernel
    // itself panics; "hold-init": PID 1 is stopped for good; "stand-still": the whole machine is, by a
    // module.
    std::string how;
    std::string stage = "vmcore"; // whose child it is
    bool every_time = false;      // each time such a child appears, or once
    std::size_t delay_ms = 100;   // after it appeared: some way into its work
};

void start_saboteur(const Sabotage& sabotage);

} // namespace guest
