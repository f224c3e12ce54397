// SPDX-License-Identifier: GPL-2.0-or-later
// Asks every SCSI host to look for its disks: "- - -" (all channels, targets, units) into its scan file.
// Source: Linux Documentation/scsi/scsi_mid_low_api.rst; drivers/scsi/scsi_sysfs.c, store_scan().
#pragma once

#include "base/log.h"
#include "stages/system_paths.h"

#include <cstddef>

namespace lifeboat {

// The number of hosts scanned. A host that refuses is logged and passed over.
std::size_t scan_scsi_hosts(const SystemPaths& paths, Log& log);

} // namespace lifeboat
