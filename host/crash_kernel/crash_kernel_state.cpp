// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/crash_kernel/crash_kernel_state.h"

#include "base/text.h"
#include "host/crash_kernel/kexec_attribute.h"
#include "host/crash_kernel/machine_facts.h"
#include "stages/read_attribute.h"

#include <optional>

namespace lifeboat::host {

namespace {

std::optional<std::uint64_t> kexec_number(const std::string& sys, std::string_view name) {
    return parse_unsigned(read_kexec_attribute(sys, name));
}

// "none [integrity] confidentiality": the one in brackets counts.
std::string lockdown_of(std::string_view text) {
    const std::size_t begin = text.find('['), end = text.find(']');
    if (begin == std::string_view::npos || end == std::string_view::npos || end < begin)
        return {};
    const std::string_view chosen = text.substr(begin + 1, end - begin - 1);
    return chosen == "none" ? std::string() : std::string(chosen);
}

} // namespace

CrashKernelState read_crash_kernel_state(const SystemPaths& paths) {
    const auto loaded = kexec_number(paths.sys, "crash_loaded");
    const std::string devices = paths.sys + "/devices/system/";
    return {.is_supported = loaded.has_value(),
            .is_loaded = loaded.value_or(0) != 0,
            .reserved_bytes = kexec_number(paths.sys, "crash_size").value_or(0),
            .reserved_sections = read_reserved_sections(paths),
            .lent = read_lent_memory(paths),
            .is_loading_disabled = read_attribute(paths.proc + "/sys/kernel/kexec_load_disabled") == "1",
            .lockdown = lockdown_of(read_attribute(paths.sys + "/kernel/security/lockdown")),
            .follows_cpus = read_attribute(devices + "cpu/crash_hotplug") == "1",
            .follows_memory = read_attribute(devices + "memory/crash_hotplug") == "1"};
}

} // namespace lifeboat::host
