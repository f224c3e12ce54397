// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/crash_context.h"

namespace lifeboat {

void CrashContext::note_failure(std::string_view stage, const Error& error, std::string_view instead) {
    log.error("{}: {}, {}", stage, error.text, instead);
    if (summary.failed_stage.empty())
        summary.failed_stage = stage;
    summary.last_error = std::format("{}:{}: {}", name_of(error.kind), stage, error.text);
}

} // namespace lifeboat
