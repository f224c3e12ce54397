// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/log.h"
#include "host/config.h"
#include "host/crash_kernel/loading.h"
#include "host/subcommands.h"
#include "host/way_back.h"

#include <cstdio>
#include <format>

namespace lifeboat::host {

namespace {

constexpr std::string_view name = "load";
constexpr std::string_view running = "running"; // --kernel running: takes the pin back

Result<LoadOrder> read_order(const Arguments& arguments) {
    const auto kernel = arguments.value("--kernel"), image = arguments.value("--image"),
               initrd = arguments.value("--initrd");
    LoadOrder order;
    if (image.has_value() != initrd.has_value())
        return fail(ErrorKind::invalid, "--image and --initrd belong together");
    if (image && kernel)
        return fail(ErrorKind::invalid, "--kernel chooses a packed kernel, --image another: one of them");
    if (image && arguments.has("--links-only"))
        return fail(ErrorKind::invalid, "--links-only is about packed kernels, not about --image");
    if (image)
        order.files = {std::string(*image), std::string(*initrd)};
    else if (kernel)
        order.version = *kernel;
    return order;
}

void print_kernel(const LoadedKernel& kernel, const CrashCommandLine& command_line) {
    const auto line = [](std::string_view key, std::string_view value) {
        std::fputs(std::format("{:<12} {}\n", key, printable(value)).c_str(), stdout);
    };
    if (!kernel.version.empty())
        line("kernel", kernel.version);
    line("image", kernel.files.image);
    line("initrd", kernel.files.initrd);
    line("command line", command_line.text);
    for (const std::string& word : command_line.left_out)
        failure(name,
                std::format("the command line has no room for '{}', leaving it out: the crash kernel takes "
                            "more memory",
                            word));
}

// Only what was loaded is pinned: a version that cannot be loaded would be tried in vain at each boot.
Result<> keep_choice(const SystemPaths& paths, const LoadOrder& order, const LoadedKernel& kernel) {
    if (!order.version.empty() && kernel.failures.empty())
        return pin_version(paths, kernel.version);
    return {};
}

Result<LoadedKernel> load_and_tell(const SystemPaths& paths, LoadOrder order, const Config& config,
                                   bool dry_run) {
    const CrashCommandLine line = TRY(crash_command_line(paths, config.cpus, config.command_line));
    if (order.version == running) {
        order.version.clear();
        if (!dry_run)
            TRY(unpin_version(paths));
    }
    if (dry_run) {
        LoadedKernel found = TRY(find_ordered(paths, order));
        print_kernel(found, line);
        return found;
    }
    LoadedKernel loaded = TRY(load_ordered(paths, order, line));
    print_kernel(loaded, line);
    TRY(keep_choice(paths, order, loaded));
    return loaded;
}

Result<LoadedKernel> run_load(const Arguments& arguments, const LoadOrder& order) {
    if (arguments.has("--links-only"))
        return link_ordered({}, order);
    const Config config = TRY(read_config(arguments));
    return load_and_tell({}, order, config, arguments.has("--dry-run"));
}

} // namespace

ExitCode load(const Arguments& arguments) {
    const auto order = read_order(arguments);
    if (!order)
        return usage_error(name, order.error().text);
    const auto kernel = run_load(arguments, *order);
    if (!kernel)
        return failure(name, kernel.error().text);
    return report_way_back(name, *kernel, order->is_named() ? Order::named : Order::any);
}

} // namespace lifeboat::host
