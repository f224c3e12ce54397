// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/machine/driver_modules.h"

#include <algorithm>

namespace lifeboat::host {

namespace {

// The PCI bridges' driver is part of every kernel; hot-plug drivers answer to the bridges' modalias too.
constexpr std::string_view bridge_driver = "pcieport";

// Drivers are called as they like, modules are files: "virtio-pci" and virtio_pci.
std::string module_name_of(std::string name) {
    std::ranges::replace(name, '-', '_');
    return name;
}

std::unexpected<Error> no_driver(const DriverStep& step, const KernelModules& kernel) {
    return fail(
        ErrorKind::no_data,
        "kernel {} has no driver for {} device '{}' ('{}' here, modalias '{}'): install the package with its "
        "further modules, or choose another kernel",
        kernel.version(), step.subsystem, step.device, step.module.empty() ? step.driver : step.module,
        step.modalias);
}

Result<std::vector<std::string>> modules_for_step(const DriverStep& step, const KernelModules& kernel,
                                                  ChainSeenUnder seen_under) {
    using Names = std::vector<std::string>;
    const bool is_built_in_here = step.module.empty();
    if (step.driver == bridge_driver || (is_built_in_here && seen_under == ChainSeenUnder::this_kernel))
        return Names{};
    const ModuleNames by_name = kernel.look_up(is_built_in_here ? module_name_of(step.driver) : step.module);
    if (by_name.is_known())
        return by_name.modules;
    const ModuleNames by_alias = kernel.look_up_device(step.modalias);
    if (!by_alias.built_in.empty())
        return Names{};
    // A driver without a modalias that is built in there: a bus's own, which no kernel has as a module.
    if (by_alias.modules.empty() && !is_built_in_here)
        return no_driver(step, kernel);
    return by_alias.modules;
}

} // namespace

ChainSeenUnder seen_under(const SystemPaths& paths, std::string_view version) {
    const auto running = running_kernel_version(paths);
    return running && *running == version ? ChainSeenUnder::this_kernel : ChainSeenUnder::another_kernel;
}

Result<std::vector<std::string>> modules_for_chain(const DeviceChain& chain, const KernelModules& kernel,
                                                   ChainSeenUnder seen_under) {
    std::vector<std::string> names;
    for (const DriverStep& step : chain.drivers)
        for (std::string& name : TRY(modules_for_step(step, kernel, seen_under)))
            if (!std::ranges::contains(names, name))
                names.push_back(std::move(name));
    return names;
}

Result<std::vector<std::string>> modules_for_file_system(std::string_view type, const KernelModules& kernel) {
    ModuleNames names = kernel.look_up(std::format("fs-{}", type));
    // Kernels before 5.2 do not say which aliases are built in.
    if (!names.is_known())
        names = kernel.look_up(std::string(type));
    if (!names.is_known())
        return fail(
            ErrorKind::no_data,
            "kernel {} cannot mount {}: install the package with its further modules, or name another target",
            kernel.version(), type);
    return names.modules;
}

} // namespace lifeboat::host
