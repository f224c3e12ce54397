// SPDX-License-Identifier: GPL-2.0-or-later
// The end of a dump: writes lifeboat.log, syncs and unmounts.
#pragma once

#include "base/log.h"
#include "stages/dump_folder.h"

#include <string>

namespace lifeboat {

struct FinishRequest {
    SaveRequest save;
    std::string log_text;
};

// Tries each step, also when one before it failed; the first failure is returned.
Result<> finish_dump(const FinishRequest& request, Log& log);

} // namespace lifeboat
