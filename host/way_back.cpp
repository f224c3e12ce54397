// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/way_back.h"

#include <format>

namespace lifeboat::host {

ExitCode report_way_back(std::string_view subcommand, const LoadedKernel& kernel) {
    for (const std::string& reason : kernel.failures)
        failure(subcommand, reason);
    if (!kernel.failures.empty())
        return failure(subcommand, std::format("going on with kernel {} in its place", kernel.version));
    return exit_ok;
}

} // namespace lifeboat::host
