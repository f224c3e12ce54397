// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/descriptor.h"
#include "host/subcommands.h"
#include "vmcore/core_file.h"
#include "vmcore/kernel_log.h"

#include <cstdio>
#include <string>

#include <unistd.h>

namespace lifeboat::host {

namespace {

constexpr std::string_view name = "dmesg";

Result<KernelLogSummary> print_kernel_log(const std::string& path) {
    const CoreFile core = TRY(CoreFile::open(path, CoreAccess::read));
    return extract_kernel_log(core,
                              [](std::string_view text) { return write_all(STDOUT_FILENO, text, "stdout"); });
}

} // namespace

ExitCode dmesg(const Arguments& arguments) {
    const auto done = print_kernel_log(arguments.operand(0));
    if (!done)
        return failure(name, done.error().text);
    if (done->damaged_records > 0)
        failure(name, std::format("{} damaged records were passed over", done->damaged_records));
    return exit_ok;
}

} // namespace lifeboat::host
