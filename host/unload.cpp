// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/crash_kernel/load_crash_kernel.h"
#include "host/crash_kernel/loading.h"
#include "host/subcommands.h"

namespace lifeboat::host {

namespace {

Result<> run_unload(const SystemPaths& paths) {
    TRY(unload_crash_kernel(read_crash_kernel_state(paths)));
    return forget_load_record(paths);
}

} // namespace

ExitCode unload(const Arguments&) {
    if (const auto done = run_unload({}); !done)
        return failure("unload", done.error().text);
    return exit_ok;
}

} // namespace lifeboat::host
