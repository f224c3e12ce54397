// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/machine/machine_plan.h"

#include "base/text.h"
#include "host/machine/driver_modules.h"
#include "stages/read_attribute.h"

#include <algorithm>

namespace lifeboat::host {

namespace {

class Planning {
public:
    Planning(const SystemPaths& paths, const KernelModules& modules, DeviceView view, MachinePlan& made)
        : paths_(paths)
        , modules_(modules)
        , view_(view)
        , made_(made) {}

    // `name parameters`, as the configuration has it.
    Result<> add_further_module(std::string_view row) {
        const std::size_t end = std::min(row.find_first_of(" \t"), row.size());
        const std::string name(row.substr(0, end));
        const ModuleNames names = modules_.look_up(name);
        if (!names.is_known())
            return fail(
                ErrorKind::no_data,
                "kernel {} has no module '{}', which the configuration names: correct or remove its line",
                modules_.version(), name);
        TRY(add_all(names.modules));
        for (ModuleToLoad& module : made_.modules)
            if (end < row.size() && std::ranges::contains(names.modules, module.name))
                module.parameters = trim(std::format("{} {}", module.parameters, trim(row.substr(end))));
        return {};
    }

    // Before all others: one that runs already has to be fed in time, and each of the others may hang.
    Result<> add_watchdog(const Config& config) {
        made_.watchdog = TRY(find_watchdog(paths_, modules_, config));
        return add_all(made_.watchdog.modules);
    }

    Result<> add_target(std::string_view text) {
        TargetPlace place = TRY(locate_target(paths_, text, view_));
        TRY(add_modules_of(place).transform_error(while_doing(std::format("target '{}'", text))));
        Target& planned = made_.plan.targets.emplace_back(place.target);
        planned.size_bytes = place.device_bytes; // so that the crash kernel need not look at every disk
        made_.places.push_back(std::move(place));
        return {};
    }

private:
    Result<> add_modules_of(const TargetPlace& place) {
        const auto drivers =
            TRY(modules_for_chain(place.chain, modules_, seen_under(paths_, modules_.version())));
        TRY(add_all(drivers));
        const auto file_system = TRY(modules_for_file_system(place.target.type, modules_));
        TRY(add_all(file_system));
        // Which characters a mount asks for may be built in; where they are absent the mount says so now.
        for (const std::string& name : place.modules)
            TRY(add_all(modules_.look_up(name).modules));
        return {};
    }

    Result<> add_all(const std::vector<std::string>& names) {
        for (const std::string& name : names)
            TRY(modules_.add_in_load_order(name, made_.modules));
        return {};
    }

    const SystemPaths& paths_;
    const KernelModules& modules_;
    DeviceView view_;
    MachinePlan& made_;
};

// The initrd carries what the plan names and no more: nothing is to be looked for with depmod's files there.
void settle(const SystemPaths& paths, MachinePlan& made) {
    made.plan.coldplug = Coldplug::never;
    for (const ModuleToLoad& module : made.modules)
        made.plan.modules.push_back({"/" + path_in_initrd(module, made.kernel), module.parameters});
    const std::string host = read_attribute(paths.proc + "/sys/kernel/hostname");
    if (made.plan.host == Plan().host && !host.empty())
        made.plan.host = host;
}

} // namespace

Result<MachinePlan> plan_for_machine(const SystemPaths& paths, std::string_view version, const Config& config,
                                     DeviceView view) {
    MachinePlan made{.kernel = TRY(find_installed_kernel(paths, version)), .plan = config.plan};
    const KernelModules modules = TRY(KernelModules::open(paths, made.kernel));
    Planning planning(paths, modules, view, made);
    TRY(planning.add_watchdog(config));
    for (const std::string& row : config.modules)
        TRY(planning.add_further_module(row));
    for (const std::string& text : config.targets)
        TRY(planning.add_target(text));
    settle(paths, made);
    return made;
}

std::string path_in_initrd(const ModuleToLoad& module, const InstalledKernel& kernel) {
    std::string_view path = module.path;
    if (path.starts_with(kernel.modules))
        path.remove_prefix(kernel.modules.size());
    return std::format("lib/modules/{}{}", kernel.version, without_compression(path));
}

} // namespace lifeboat::host
