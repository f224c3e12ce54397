// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/filter_doubt.h"

#include "host/machine/installed_kernel.h"
#include "host/machine/kernel_release.h"
#include "vmcore/core_file.h"
#include "vmcore/page_filter.h"

#include <format>
#include <vector>

namespace lifeboat::host {

namespace {

std::string doubt_of(const CoreFile& core, unsigned asked_level) {
    std::vector<std::string> reasons = core.doubts();
    const unsigned unfilterable = PageFilter::open(core, asked_level, reasons).unfilterable();
    if ((asked_level & unfilterable) == 0)
        return {};
    std::string text =
        std::format("the running kernel does not tell enough of its pages, a dump would be of level {} "
                    "instead of {}",
                    asked_level & ~unfilterable, asked_level);
    for (const std::string& reason : reasons)
        text += "; " + reason;
    return text;
}

} // namespace

std::string filter_doubt(const SystemPaths& paths, std::string_view version, unsigned asked_level) {
    if (running_kernel_version(paths).value_or("") == version)
        if (const auto core = CoreFile::open_elf(paths.proc + "/kcore", CoreAccess::read))
            return doubt_of(*core, asked_level);
    const auto line = parse_kernel_line(version);
    if (!line || *line <= newest_tried_kernel)
        return {};
    return std::format("kernel {} is newer than those that were tried, up to {}.{}: whether its dumps can be "
                       "filtered is known while it runs and '{}/kcore' can be read",
                       version, newest_tried_kernel.major, newest_tried_kernel.minor, paths.proc);
}

} // namespace lifeboat::host
