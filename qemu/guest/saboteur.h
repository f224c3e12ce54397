// SPDX-License-Identifier: GPL-2.0-or-later
// A process that does harm to lifeboat's child for the vmcore: what damaged memory or a lack of it may do.
#pragma once

#include <string_view>

namespace guest {

// "kill": SIGKILL; "stop": SIGSTOP; "crash": SIGSEGV; "oom": eats memory until the kernel's OOM killer has
// taken the child; "hold-init": PID 1 is stopped for good; "stand-still": the whole machine is, by a module.
// Once, or each time such a child appears.
void start_saboteur(std::string_view how, bool every_time);

} // namespace guest
