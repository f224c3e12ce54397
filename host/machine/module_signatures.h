// SPDX-License-Identifier: GPL-2.0-or-later
// Whether a kernel here loads modules without a signature. Source: Linux
// Documentation/admin-guide/module-signing.rst, kernel_lockdown(7).
#pragma once

#include "host/machine/installed_kernel.h"
#include "stages/system_paths.h"

#include <cstdint>

namespace lifeboat::host {

enum class ModuleSignatures : std::uint8_t {
    may_go,    // nothing asks for them
    must_stay, // they are enforced, or whether they are cannot be told
};

ModuleSignatures module_signatures(const SystemPaths& paths, const InstalledKernel& kernel);

} // namespace lifeboat::host
