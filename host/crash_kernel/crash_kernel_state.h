// SPDX-License-Identifier: GPL-2.0-or-later
// What the running kernel says about its crash kernel, and what stands in the way of loading one.
// Source: Linux Documentation/ABI/testing/sysfs-kernel-kexec-kdump, kernel/kexec_core.c, security/lockdown/.
#pragma once

#include "host/crash_kernel/lent_memory.h"
#include "host/machine/memory_need.h"
#include "stages/system_paths.h"

#include <cstdint>
#include <string>

namespace lifeboat::host {

struct CrashKernelState {
    bool is_supported = false; // the kernel has CONFIG_CRASH_DUMP
    bool is_loaded = false;
    std::uint64_t reserved_bytes = 0; // 0: crashkernel= is missing, or could not be had
    unsigned reserved_sections = 0;   // memory sections that it lies in; 0: not known (machine_facts.h)
    LentMemory lent;                  // besides
    bool is_loading_disabled =
        false;            // sysctl kernel.kexec_load_disabled, which nothing but a reboot takes back
    std::string lockdown; // "integrity", "confidentiality"; empty: none
    // Whether the kernel itself tells a loaded crash kernel of CPUs and memory that come and go (6.6 and
    // later).
    bool follows_cpus = false;
    bool follows_memory = false;

    [[nodiscard]] Reservation reservation() const {
        return {.bytes = reserved_bytes,
                .sections = reserved_sections,
                .lent_bytes = lent.bytes,
                .lent_sections = lent.sections};
    }
};

CrashKernelState read_crash_kernel_state(const SystemPaths& paths);

} // namespace lifeboat::host
