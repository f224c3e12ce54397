// SPDX-License-Identifier: GPL-2.0-or-later
// The end that is always reached. Each step may fail or hang and is followed by a blunter one: sync,
// reboot(2), sysrq, and at last PID 1 ends, so that the kernel panics and its panic timeout reboots.
#pragma once

#include "stages/plan.h"
#include "stages/system_paths.h"

#include <cstdint>

namespace lifeboat {

struct FinalActionTimes {
    std::int64_t drain_ms = 2000; // for what the console still holds
    std::int64_t sync_ms = 10'000;
    std::int64_t action_ms = 10'000;
    std::int64_t sysrq_ms = 5000;
};

// Returns when the machine is still there after all of it but the last: then the caller ends PID 1.
void carry_out_final_action(Action action, const SystemPaths& paths, int console_fd,
                            const FinalActionTimes& times = {});

// PID 1's own faults: from here on SIGSEGV and its like in this process reboot at once; signals that would
// only disturb are ignored.
void reboot_on_own_fault();

// 10 s where it is 0, so that PID 1's end reboots. Nothing when there is no /proc.
void ensure_panic_timeout(const SystemPaths& paths);

} // namespace lifeboat
