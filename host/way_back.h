// SPDX-License-Identifier: GPL-2.0-or-later
// Saying aloud that another kernel was loaded than was ordered.
#pragma once

#include "host/crash_kernel/loading.h"
#include "host/subcommands.h"

#include <string_view>

namespace lifeboat::host {

// exit_ok when what was ordered is loaded; else the reasons, what was done instead, and exit_failed.
ExitCode report_way_back(std::string_view subcommand, const LoadedKernel& kernel);

} // namespace lifeboat::host
