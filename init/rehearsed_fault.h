// SPDX-License-Identifier: GPL-2.0-or-later
// The plan's `fault`: lets a stage's child go wrong on purpose, so that the way out can be rehearsed on the
// very machine and plan it is for. What copies strikes half way; all else at its start.
#pragma once

#include "init/supervisor.h"
#include "stages/plan.h"

namespace lifeboat {

// `work`, or in its place one that goes wrong where the fault names this stage and attempt (from 1).
StageWork with_rehearsed_fault(StageWork work, const std::optional<Fault>& fault, std::string_view stage,
                               int attempt);

} // namespace lifeboat
