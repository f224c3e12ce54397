// SPDX-License-Identifier: GPL-2.0-or-later
// The end of a dump: settles which partial vmcore stays, writes lifeboat.log, syncs and unmounts.
#pragma once

#include "base/log.h"
#include "stages/dump_folder.h"

#include <string>

namespace lifeboat {

// Of two attempts at the vmcore, which is worth more.
enum class BetterAttempt { first, second };

struct FinishRequest {
    SaveRequest save;
    BetterAttempt keep = BetterAttempt::first;
    std::string log_text;
};

// Tries each step, also when one before it failed; the first failure is returned.
Result<> finish_dump(const FinishRequest& request, Log& log);

} // namespace lifeboat
