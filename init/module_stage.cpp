// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/module_stage.h"

#include "stages/load_modules.h"

namespace lifeboat {

std::optional<StageOutcome> load_planned_modules(StageRunner& runner, const Plan& plan) {
    if (plan.modules.empty())
        return std::nullopt;
    StageOutcome outcome = runner.run(
        "modules", runner.limits_of(plan.deadlines.modules_s), [&plan](StageReport& report) -> Result<> {
            const ModuleCounts counts = load_modules(plan.modules, report);
            report.info("modules: {} loaded, {} failed", counts.loaded, counts.failed);
            return {};
        });
    return outcome.completed() ? std::nullopt : std::optional(std::move(outcome));
}

} // namespace lifeboat
