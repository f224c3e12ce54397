// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/scan_scsi_hosts.h"

#include "base/descriptor.h"
#include "stages/list_folder.h"

namespace lifeboat {

std::size_t scan_scsi_hosts(const SystemPaths& paths, Log& log) {
    const std::string folder = paths.sys + "/class/scsi_host";
    std::size_t scanned = 0;
    for (const std::string& host : list_folder(folder).value_or(std::vector<std::string>{})) {
        const auto written = write_existing_file(std::format("{}/{}/scan", folder, host), "- - -\n");
        if (written)
            ++scanned;
        else
            log.warning("scsi: {}, passing over it", written.error().text);
    }
    return scanned;
}

} // namespace lifeboat
