// SPDX-License-Identifier: GPL-2.0-or-later
// Saying aloud that another kernel was loaded than was ordered.
#pragma once

#include "host/crash_kernel/loading.h"
#include "host/subcommands.h"

#include <cstdint>
#include <string_view>

namespace lifeboat::host {

// Whether one kernel was named, and no other will do.
enum class Order : std::uint8_t { any, named };

// When it is not what was ordered, says why not, and what was done instead; exit_failed then for a kernel
// that was named. Else any that captures is a success, and `lifeboat status` says what is not as it should
// be.
ExitCode report_way_back(std::string_view subcommand, const LoadedKernel& kernel, Order order);

} // namespace lifeboat::host
