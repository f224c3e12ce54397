// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/boot.h"

#include "base/descriptor.h"
#include "init/boot_log.h"
#include "init/crash_boot.h"
#include "init/rescue_boot.h"
#include "stages/kernel_command_line.h"
#include "stages/mount_early_file_systems.h"

#include <algorithm>
#include <exception>
#include <optional>

#include <unistd.h>

namespace lifeboat {

namespace {

// A crash kernel whose vmcore is missing is one still: what was loaded to catch a panic starts no system. Nor
// does a kernel of which nothing can be known. Source: Linux Documentation/admin-guide/kernel-parameters.txt,
// elfcorehdr=.
bool is_crash_kernel(const SystemPaths& paths) {
    const auto line = read_file(paths.proc + "/cmdline");
    if (!line || ::access(paths.vmcore().c_str(), F_OK) == 0)
        return true;
    return std::ranges::contains(parse_kernel_command_line(*line), "elfcorehdr", &KernelParameter::name);
}

} // namespace

void boot(const SystemPaths& paths, const std::vector<std::string>& arguments,
          const FinalActionTimes& times) {
    const std::int64_t started_ms = monotonic_ms();
    Action action = Action::reboot;
    std::optional<BootLog> log;
    try {
        const BootStart start{paths, arguments, mount_early_file_systems(paths), started_ms};
        log.emplace(paths);
        action = is_crash_kernel(paths) ? crash_boot(start, *log) : rescue_boot(start, *log);
        log->console().flush(2000, Deadline::after_ms(20'000));
    } catch (const std::exception& exception) {
        // No memory even for PID 1. What is saved is saved; words that need no memory, and the machine
        // reboots.
        (void)!::write(STDERR_FILENO, exception.what(), std::string_view(exception.what()).size());
    }
    carry_out_final_action(action, paths, log ? log->console().fd() : -1, times);
}

} // namespace lifeboat
