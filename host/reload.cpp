// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/config.h"
#include "host/crash_kernel/loading.h"
#include "host/subcommands.h"
#include "host/way_back.h"

#include <algorithm>
#include <optional>

namespace lifeboat::host {

namespace {

constexpr std::string_view name = "reload";

std::string path_of(const Manifest& record, std::string_view role) {
    const auto found = std::ranges::find(record.files, role, &ManifestFile::role);
    return found == record.files.end() ? std::string() : found->path;
}

// The same again: the version that was loaded, or the files that were given.
LoadOrder order_of(const Manifest& record) {
    if (record.kernel != no_kernel_version)
        return {.version = record.kernel, .files = {}};
    return {.version = {}, .files = CrashKernelFiles{path_of(record, "image"), path_of(record, "initrd")}};
}

// Only what lifeboat has loaded, and nobody has unloaded since, is loaded again: nothing where that is not
// so.
Result<std::optional<LoadedKernel>> run_reload(const SystemPaths& paths, const Arguments& arguments) {
    const Config config = TRY(read_config(arguments));
    const auto record = TRY(read_load_record(paths));
    if (!record || !read_crash_kernel_state(paths).is_loaded)
        return std::nullopt;
    const CrashCommandLine line = TRY(crash_command_line(paths, config.cpus, config.command_line));
    return TRY(load_ordered(paths, order_of(*record), line));
}

} // namespace

ExitCode reload(const Arguments& arguments) {
    const auto done = run_reload({}, arguments);
    if (!done)
        return failure(name, done.error().text);
    if (*done)
        return report_way_back(name, **done, Order::any);
    failure(name, "no crash kernel of lifeboat's is loaded, leaving it so");
    return exit_ok;
}

} // namespace lifeboat::host
