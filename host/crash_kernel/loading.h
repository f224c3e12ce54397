// SPDX-License-Identifier: GPL-2.0-or-later
// Loading as a whole: the command line, the kernel wanted or the one that is the way back, the links, and the
// record of what is loaded, which `lifeboat reload` and `lifeboat status` go by.
#pragma once

#include "base/result.h"
#include "host/crash_kernel/command_line.h"
#include "host/crash_kernel/kernel_choice.h"
#include "host/machine/manifest.h"
#include "stages/system_paths.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lifeboat::host {

// What to load: a packed kernel (empty version: the pinned one or the running one's), or two files.
struct LoadOrder {
    std::string version;
    std::optional<CrashKernelFiles> files;

    [[nodiscard]] bool is_named() const { return !version.empty() || files.has_value(); }
};

struct LoadedKernel {
    std::string version; // empty: it was given as files
    CrashKernelFiles files;
    // Why what was ordered could not be loaded, and what else was tried: not empty when this is the way back.
    std::vector<std::string> failures;
};

// For the running machine. `cpus` and `extra` as Config has them.
Result<CrashCommandLine> crash_command_line(const SystemPaths& paths, unsigned cpus, std::string_view extra);

// What would be loaded first; nothing is changed.
Result<LoadedKernel> find_ordered(const SystemPaths& paths, const LoadOrder& order);

// Makes the links that load_ordered() would make, for whoever loads from them instead. A packed kernel.
Result<LoadedKernel> link_ordered(const SystemPaths& paths, const LoadOrder& order);

// Loads what is ordered or, of packed kernels, another one; the error has all that was tried. Two loads at
// the same time come one after the other.
Result<LoadedKernel> load_ordered(const SystemPaths& paths, const LoadOrder& order,
                                  const CrashCommandLine& command_line);

// The record of what lifeboat has loaded since the machine booted: the version as its kernel, image and
// initrd as its files, the facts `command_line` and, where words had no room in it, `left_out`. Nothing when
// it has loaded nothing.
inline constexpr std::string_view left_out_fact = "left_out";
inline constexpr std::string_view no_kernel_version = "-"; // in the record: two files were given
Result<std::optional<Manifest>> read_load_record(const SystemPaths& paths);
Result<> forget_load_record(const SystemPaths& paths);

} // namespace lifeboat::host
