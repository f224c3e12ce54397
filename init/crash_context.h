// SPDX-License-Identifier: GPL-2.0-or-later
// What all parts of the crash kernel's boot share.
#pragma once

#include "init/boot_log.h"
#include "init/stage_runner.h"
#include "init/summary.h"
#include "stages/plan.h"
#include "stages/system_paths.h"

#include <string_view>

namespace lifeboat {

struct CrashContext {
    CrashContext(const SystemPaths& system_paths, BootLog& boot_log)
        : paths(system_paths)
        , log(boot_log)
        , runner(system_paths, boot_log) {}

    const SystemPaths& paths;
    BootLog& log;
    StageRunner runner;
    Plan plan;
    Summary summary;

    // Logs it, and notes for the summary that and where something went wrong.
    void note_failure(std::string_view stage, const Error& error, std::string_view instead);
    void note_failure(std::string_view stage, const StageOutcome& outcome, std::string_view instead) {
        note_failure(stage, outcome.as_error(), instead);
    }
};

} // namespace lifeboat
