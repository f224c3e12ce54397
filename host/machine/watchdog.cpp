// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/machine/watchdog.h"

#include "host/machine/device_chain.h"
#include "host/machine/driver_modules.h"
#include "stages/list_folder.h"
#include "stages/read_attribute.h"

#include <algorithm>

#include <unistd.h>

namespace lifeboat::host {

namespace {

using Kind = MachineWatchdog::Kind;

constexpr std::string_view drivers_folder = "kernel/drivers/watchdog/";
constexpr const char* software_driver = "softdog";
constexpr std::string_view software_text =
    "softdog: it restarts a machine whose PID 1 stands still, not one whose CPUs take no interrupts";
constexpr std::string_view stays =
    "a machine that stands still after a crash stays so until somebody restarts it";

// One that the running kernel drives.
struct Registered {
    std::string text;    // "i6300ESB timer (0000:00:04.0)"
    DeviceChain chain;   // without drivers: it is no device
    std::string running; // with so many seconds; empty: nobody has started it
};

std::vector<std::string> names_below(const std::string& folder) {
    return list_folder(folder).value_or(std::vector<std::string>{});
}

Registered read_registered(const SystemPaths& paths, const std::string& folder) {
    Registered watchdog{.text = read_attribute(folder + "/identity"),
                        .chain = {.drivers = follow_drivers(paths, folder)}};
    if (!watchdog.chain.drivers.empty())
        watchdog.text += std::format(" ({})", watchdog.chain.drivers.back().device);
    if (read_attribute(folder + "/state") == "active")
        watchdog.running = read_attribute(folder + "/timeout");
    return watchdog;
}

// Hardware only: a watchdog that is no device ends with its kernel.
std::vector<Registered> registered_watchdogs(const SystemPaths& paths) {
    const std::string folder = paths.sys + "/class/watchdog";
    std::vector<Registered> watchdogs;
    for (const std::string& name : names_below(folder)) {
        Registered watchdog = read_registered(paths, folder + "/" + name);
        if (!watchdog.chain.drivers.empty())
            watchdogs.push_back(std::move(watchdog));
    }
    std::ranges::stable_partition(watchdogs, [](const Registered& each) { return !each.running.empty(); });
    return watchdogs;
}

std::string unattended(const Registered& watchdog, std::string_view reason) {
    return std::format(
        "the watchdog {} runs here and counts on through a crash, and {}: it restarts the machine after at "
        "most {} s, whether the dump is whole or not",
        watchdog.text, reason, watchdog.running);
}

class Search {
public:
    Search(const SystemPaths& paths, const KernelModules& kernel)
        : paths_(paths)
        , kernel_(kernel)
        , drivers_(kernel.names_in(drivers_folder)) {}

    MachineWatchdog run() {
        for (const Registered& watchdog : registered_watchdogs(paths_))
            consider(watchdog);
        for (const char* bus : {"pci", "platform", "acpi"})
            for (const std::string& device : names_below(std::format("{}/bus/{}/devices", paths_.sys, bus)))
                consider_device(std::format("{}/bus/{}/devices/{}", paths_.sys, bus, device), device);
        if (found_.kind == Kind::none)
            consider_software();
        return std::move(found_);
    }

private:
    // All that run are taken, for each of them would bite; of the others one will do.
    void consider(const Registered& watchdog) {
        const bool runs = !watchdog.running.empty();
        if (!runs && found_.kind != Kind::none)
            return;
        auto modules = modules_for_chain(watchdog.chain, kernel_, seen_under(paths_, kernel_.version()));
        if (modules)
            take(watchdog.text +
                     (runs ? std::format(", which runs here with {} s: a crash kernel has that long to start",
                                         watchdog.running)
                           : ""),
                 *std::move(modules));
        else if (runs)
            found_.unattended.push_back(
                unattended(watchdog, std::format("kernel {} has no driver for it", kernel_.version())));
    }

    // A driver that is loaded and has registered nothing has found that it cannot.
    void consider_device(const std::string& folder, const std::string& device) {
        if (found_.kind != Kind::none)
            return;
        for (const std::string& name : kernel_.look_up_device(read_attribute(folder + "/modalias")).modules) {
            if (!std::ranges::contains(drivers_, name) ||
                ::access(std::format("{}/module/{}", paths_.sys, name).c_str(), F_OK) == 0)
                continue;
            auto modules = modules_for_chain({.drivers = follow_drivers(paths_, folder)}, kernel_,
                                             seen_under(paths_, kernel_.version()));
            if (!modules)
                continue;
            modules->push_back(name);
            return take(std::format("{} ({}), which is not in use here: nothing tells yet that it works",
                                    name, device),
                        *std::move(modules));
        }
    }

    void consider_software() {
        const ModuleNames software = kernel_.look_up(software_driver);
        found_.text = software.is_known()
                          ? software_text
                          : std::format("none that kernel {} has a driver for: {}", kernel_.version(), stays);
        found_.kind = software.is_known() ? Kind::software : Kind::none;
        found_.modules = software.modules;
    }

    void take(const std::string& text, std::vector<std::string> modules) {
        found_.kind = Kind::hardware;
        found_.text += (found_.text.empty() ? "" : "; ") + text;
        found_.modules.append_range(std::move(modules));
    }

    const SystemPaths& paths_;
    const KernelModules& kernel_;
    std::vector<std::string> drivers_;
    MachineWatchdog found_;
};

Result<MachineWatchdog> named_watchdog(const KernelModules& kernel, const std::string& name) {
    const ModuleNames names = kernel.look_up(name);
    if (!names.is_known())
        return fail(ErrorKind::no_data,
                    "kernel {} has no module '{}', which the configuration names as the watchdog's: correct "
                    "or remove its line",
                    kernel.version(), name);
    const bool is_software = name == software_driver;
    return MachineWatchdog{.kind = is_software ? Kind::software : Kind::hardware,
                           .text = is_software ? std::string(software_text) : name + ", as configured",
                           .modules = names.modules};
}

MachineWatchdog none_wanted(const SystemPaths& paths) {
    MachineWatchdog none{.text = std::format("none, as configured: {}", stays)};
    for (const Registered& watchdog : registered_watchdogs(paths))
        if (!watchdog.running.empty())
            none.unattended.push_back(unattended(watchdog, "watchdog.timeout = 0 leaves it alone"));
    return none;
}

} // namespace

Result<MachineWatchdog> find_watchdog(const SystemPaths& paths, const KernelModules& kernel,
                                      const Config& config) {
    if (config.plan.watchdog_timeout_s == 0)
        return none_wanted(paths);
    if (!config.watchdog_module.empty())
        return named_watchdog(kernel, config.watchdog_module);
    return Search(paths, kernel).run();
}

} // namespace lifeboat::host
