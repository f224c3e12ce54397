// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/way_back.h"

#include <format>

namespace lifeboat::host {

ExitCode report_way_back(std::string_view subcommand, const LoadedKernel& kernel, Order order) {
    if (kernel.failures.empty())
        return exit_ok;
    for (const std::string& reason : kernel.failures)
        failure(subcommand, reason);
    failure(subcommand, std::format("going on with kernel {} in its place", kernel.version));
    return order == Order::named ? exit_failed : exit_ok;
}

} // namespace lifeboat::host
