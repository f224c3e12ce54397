// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/crash_kernel/loading.h"

#include "base/descriptor.h"
#include "host/crash_kernel/crash_kernel_state.h"
#include "host/crash_kernel/machine_facts.h"
#include "host/machine/lock_folder.h"

#include <algorithm>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

namespace lifeboat::host {

namespace {

// Where it is gone after a reboot, as what is loaded is.
std::string run_folder(const SystemPaths& paths) {
    return paths.root + "/run/lifeboat";
}

std::string record_path(const SystemPaths& paths) {
    return run_folder(paths) + "/loaded";
}

Result<Descriptor> lock_loading(const SystemPaths& paths) {
    const std::string folder = run_folder(paths);
    ::mkdir(folder.c_str(), 0755); // whether it is there now, opening it says
    return lock_folder(folder);
}

std::string joined(const std::vector<std::string>& parts, std::string_view separator) {
    std::string text;
    for (const std::string& part : parts)
        text += std::format("{}{}", text.empty() ? "" : separator, part);
    return text;
}

Result<> write_record(const SystemPaths& paths, const LoadedKernel& kernel,
                      const CrashCommandLine& command_line) {
    Manifest record{.kernel = kernel.version.empty() ? std::string(no_kernel_version) : kernel.version};
    record.facts.push_back({"command_line", command_line.text});
    if (!command_line.left_out.empty())
        record.facts.push_back({std::string(left_out_fact), joined(command_line.left_out, " ")});
    TRY(record.add_file("image", kernel.files.image));
    TRY(record.add_file("initrd", kernel.files.initrd));
    return write_manifest(record_path(paths), record);
}

// The packed kernels, the one that should be loaded first; that it is not there is a failure already.
Result<std::vector<LoadedKernel>> packed_candidates(const SystemPaths& paths, const std::string& version,
                                                    std::vector<std::string>& failures) {
    KernelChoice choice = TRY(choose_kernel(paths, version));
    std::vector<LoadedKernel> candidates;
    if (choice.kernel)
        candidates.push_back({.version = choice.version, .files = choice.kernel->files});
    else
        failures.push_back(choice.kernel.error().text);
    for (PackedKernel& other : choice.others)
        candidates.push_back({.version = std::move(other.version), .files = std::move(other.files)});
    return candidates;
}

// What is ordered, then the way back: a packed kernel. Behind files that were given there is none when
// nothing is loaded: a load that fails then takes nothing away.
Result<std::vector<LoadedKernel>> candidates_for(const SystemPaths& paths, const LoadOrder& order,
                                                 bool is_loaded, std::vector<std::string>& failures) {
    if (!order.files)
        return packed_candidates(paths, order.version, failures);
    std::vector<LoadedKernel> candidates = {{.files = *order.files}};
    std::vector<std::string> unused;
    if (is_loaded)
        candidates.append_range(TRY(packed_candidates(paths, {}, unused)));
    return candidates;
}

// Whether another kernel would be refused for the same reason.
bool is_for_all(const Error& error, const CrashKernelState& state) {
    return error.os_error == ENOSYS || (error.os_error == EPERM && state.lockdown.empty());
}

Result<> keep_notes(const SystemPaths& paths, const LoadedKernel& kernel,
                    const CrashCommandLine& command_line) {
    if (!kernel.version.empty())
        TRY(link_packed_kernel(paths, {.version = kernel.version, .files = kernel.files}));
    return write_record(paths, kernel, command_line);
}

} // namespace

Result<CrashCommandLine> crash_command_line(const SystemPaths& paths, unsigned cpus, std::string_view extra) {
    const std::string running = TRY(read_file(paths.proc + "/cmdline"));
    const MachineFacts facts = read_machine_facts(paths);
    return compose_crash_command_line({.running = running,
                                       .cpus = crash_kernel_cpus(cpus, facts.online_cpus),
                                       .boot_cpu_apic_id = facts.boot_cpu_apic_id,
                                       .has_shared_interrupts = facts.has_shared_interrupts,
                                       .has_trusted_tsc = facts.has_trusted_tsc,
                                       .memory_end = facts.memory_end,
                                       .has_integrity_disks = facts.has_integrity_disks,
                                       .extra = extra});
}

Result<LoadedKernel> find_ordered(const SystemPaths& paths, const LoadOrder& order) {
    std::vector<std::string> failures;
    std::vector<LoadedKernel> candidates = TRY(candidates_for(paths, order, false, failures));
    if (candidates.empty())
        return fail(ErrorKind::no_data, "{}", joined(failures, "; then "));
    candidates.front().failures = std::move(failures);
    return std::move(candidates.front());
}

Result<LoadedKernel> link_ordered(const SystemPaths& paths, const LoadOrder& order) {
    const Descriptor lock = TRY(lock_loading(paths));
    LoadedKernel kernel = TRY(find_ordered(paths, order));
    TRY(link_packed_kernel(paths, {.version = kernel.version, .files = kernel.files}));
    return kernel;
}

Result<LoadedKernel> load_ordered(const SystemPaths& paths, const LoadOrder& order,
                                  const CrashCommandLine& command_line) {
    const Descriptor lock = TRY(lock_loading(paths));
    std::vector<std::string> failures;
    const CrashKernelState state = read_crash_kernel_state(paths);
    std::vector<LoadedKernel> candidates = TRY(candidates_for(paths, order, state.is_loaded, failures));
    TRY(check_can_hold_crash_kernel(state));
    for (LoadedKernel& kernel : candidates) {
        if (const auto done = load_crash_kernel(kernel.files, command_line.text, state); !done) {
            failures.push_back(done.error().text);
            if (is_for_all(done.error(), state))
                break;
            continue;
        }
        kernel.failures = std::move(failures);
        TRY(keep_notes(paths, kernel, command_line).transform_error(while_doing("loaded, but")));
        return std::move(kernel);
    }
    return fail(ErrorKind::no_data, "{}", joined(failures, "; then "));
}

Result<std::optional<Manifest>> read_load_record(const SystemPaths& paths) {
    const std::string path = record_path(paths);
    if (::access(path.c_str(), F_OK) != 0)
        return std::nullopt;
    return TRY(read_manifest(path));
}

Result<> forget_load_record(const SystemPaths& paths) {
    const std::string path = record_path(paths);
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
        return fail_system("remove '{}'", path);
    return {};
}

} // namespace lifeboat::host
