// SPDX-License-Identifier: GPL-2.0-or-later
// The ladder of the vmcore: whether a second attempt is worth it, and how it is made.
#pragma once

#include "init/supervisor.h"
#include "stages/copy_vmcore.h"

namespace lifeboat {

// A child that died, hung or ran out of memory is tried once more with the least of it. Not where the disk is
// full, the input is at fault, or it was merely slow: the same would come again, and a partial dump stands.
bool is_worth_second_attempt(const StageOutcome& first);

// The same copy for a second attempt: one thread, the core read instead of mapped, and what is known of the
// first.
CopyRequest second_attempt_after(const CopyRequest& request, const StageOutcome& first);

bool is_complete(const StageOutcome& attempt);

} // namespace lifeboat
