// SPDX-License-Identifier: GPL-2.0-or-later
// The modules of a kernel that drive a chain of devices, and that mount a file system.
#pragma once

#include "base/result.h"
#include "host/machine/device_chain.h"
#include "host/machine/kernel_modules.h"
#include "stages/system_paths.h"

#include <string>
#include <string_view>
#include <vector>

namespace lifeboat::host {

// Whether the chain was looked at under the same kernel: what is built in there is built in here then.
enum class ChainSeenUnder : std::uint8_t { this_kernel, another_kernel };

ChainSeenUnder seen_under(const SystemPaths& paths, std::string_view version);

// The names of the modules, those of the bus first; none for what the kernel has built in. The driver that is
// bound on the host is taken where this kernel has it, else what answers to the device's modalias. Fails with
// no_data, naming the device, where this kernel has no driver for it.
Result<std::vector<std::string>> modules_for_chain(const DeviceChain& chain, const KernelModules& kernel,
                                                   ChainSeenUnder seen_under);

// The same for a file system's type.
Result<std::vector<std::string>> modules_for_file_system(std::string_view type, const KernelModules& kernel);

} // namespace lifeboat::host
