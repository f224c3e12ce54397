// SPDX-License-Identifier: GPL-2.0-or-later
// Loads the plan's modules in the plan's order. One that fails is logged and passed over; one that is loaded
// already counts as loaded. Neither the loading of one nor its driver's probing of devices is waited for
// without limit.
#pragma once

#include "base/log.h"
#include "stages/plan.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace lifeboat {

struct ModuleCounts {
    std::size_t loaded = 0;
    std::size_t failed = 0;
};

// Each is given `limit_ms`; one that takes longer goes on by itself.
ModuleCounts load_modules(std::span<const PlannedModule> modules, Log& log, std::int64_t limit_ms = 10'000);

// Without it finit_module(2) comes back only when every disk that is there was looked at, by whatever driver:
// behind one that does not answer no module would be loaded any more. Source: Linux kernel/module/main.c,
// do_init_module(), async_synchronize_full(); unknown_module_param_cb().
inline constexpr const char* async_probe = "async_probe";
std::string with_async_probe(const std::string& parameters);

} // namespace lifeboat
