// SPDX-License-Identifier: GPL-2.0-or-later
// The stage that loads the plan's modules, in a crash boot and in a rescue boot.
#pragma once

#include "init/stage_runner.h"
#include "stages/plan.h"

#include <optional>

namespace lifeboat {

// Nothing where the plan has none, or all went well as far as PID 1 is concerned: a module that cannot be
// loaded is said in the log and passed over. Else what ended the stage.
std::optional<StageOutcome> load_planned_modules(StageRunner& runner, const Plan& plan);

} // namespace lifeboat
