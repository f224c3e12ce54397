// SPDX-License-Identifier: GPL-2.0-or-later
// Which of the packed kernels is loaded: the pinned one, else the running kernel's own; and behind it, newest
// first, the others that are packed, as the way back when it cannot be loaded.
#pragma once

#include "base/result.h"
#include "host/crash_kernel/load_crash_kernel.h"
#include "stages/system_paths.h"

#include <optional>
#include <string>
#include <vector>

namespace lifeboat::host {

struct PackedKernel {
    std::string version;
    CrashKernelFiles files;
};

// The version's initrd as packed, and its image: beside the initrd, else where distributions install it.
// Fails with no_data when one of them is not there.
Result<PackedKernel> find_packed_kernel(const SystemPaths& paths, const std::string& version);

// `wanted` empty: the pinned version, or the running kernel's. The first is the one to load; the others are
// there.
struct KernelChoice {
    std::string version;              // that should be loaded
    Result<PackedKernel> kernel;      // its files
    std::vector<PackedKernel> others; // newest first
};
Result<KernelChoice> choose_kernel(const SystemPaths& paths, const std::string& wanted);

// The version that `lifeboat load --kernel` asked for until further notice.
std::optional<std::string> pinned_version(const SystemPaths& paths);
Result<> pin_version(const SystemPaths& paths, const std::string& version);
Result<> unpin_version(const SystemPaths& paths); // no failure when none is pinned

// Makes STATE/vmlinuz and STATE/initrd.img links to these files.
Result<> link_packed_kernel(const SystemPaths& paths, const PackedKernel& kernel);

} // namespace lifeboat::host
