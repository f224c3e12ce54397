// SPDX-License-Identifier: GPL-2.0-or-later
// Loads the plan's modules in the plan's order. One that fails is logged and passed over; one that is loaded
// already counts as loaded.
#pragma once

#include "base/log.h"
#include "stages/plan.h"

#include <cstddef>
#include <span>

namespace lifeboat {

struct ModuleCounts {
    std::size_t loaded = 0;
    std::size_t failed = 0;
};

ModuleCounts load_modules(std::span<const PlannedModule> modules, Log& log);

} // namespace lifeboat
