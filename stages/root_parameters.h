// SPDX-License-Identifier: GPL-2.0-or-later
// What the kernel command line says of the root file system and of what to start on it.
// Source: Linux Documentation/admin-guide/kernel-parameters.txt: root=, rootfstype=, rootflags=, ro, rw,
// rootwait, rootdelay=, init=.
#pragma once

#include "stages/kernel_command_line.h"
#include "stages/plan.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace lifeboat {

struct RootParameters {
    std::optional<Target> root; // with what is said of its type and options
    bool read_write = false;    // the last of ro and rw; neither: ro
    std::uint64_t wait_s = 0;   // at least that long; 0: not said
    std::string init;           // empty: not said
    std::vector<std::string> complaints;

    // The options of a root file system that is to be mounted as the line says.
    [[nodiscard]] std::string options_with(const std::string& others) const;
};

// Nothing fails: what cannot be used is named in `complaints`, each ending in what is done instead.
RootParameters read_root_parameters(std::span<const KernelParameter> parameters);

} // namespace lifeboat
