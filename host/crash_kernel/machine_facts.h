// SPDX-License-Identifier: GPL-2.0-or-later
// What the crash kernel's command line depends on, read off the running machine. x86 for the most part.
#pragma once

#include "stages/system_paths.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace lifeboat::host {

struct MachineFacts {
    unsigned online_cpus = 1;
    std::optional<std::uint64_t> boot_cpu_apic_id;
    bool has_shared_interrupts = false;
    bool has_trusted_tsc = false; // the kernel has compared it with another clock and found it right
    std::uint64_t memory_end = 0; // the address behind the highest memory; 0: not known
    bool has_integrity_disks = false;
};

// Whether a disk has protection information, or other metadata with its sectors. Source: Linux
// Documentation/ABI/stable/sysfs-block, integrity/format.
bool has_integrity_disks(const SystemPaths& paths);

// What cannot be read is not known.
MachineFacts read_machine_facts(const SystemPaths& paths);

// "0-3,6": 0, 1, 2, 3, 6. Source: Linux Documentation/admin-guide/cputopology.rst.
std::vector<unsigned> list_cpus(std::string_view list);
inline unsigned count_cpus(std::string_view list) {
    return static_cast<unsigned>(list_cpus(list).size());
}
// Of /proc/cpuinfo: the initial APIC id of processor 0, on which the machine booted.
std::optional<std::uint64_t> parse_boot_cpu_apic_id(std::string_view cpuinfo);
// Of /proc/interrupts: whether a level-triggered line has several drivers. In the crash kernel, which lacks
// most of them, a device that nobody serves could block such a line, unless the kernel polls (irqpoll).
bool parse_shared_interrupts(std::string_view interrupts);
// Of available_clocksource in sysfs, which loses a TSC that was found wrong. Source: Linux
// kernel/time/clocksource.c.
bool parse_trusted_tsc(std::string_view available);
// Of /proc/iomem, which tells only root: the address behind the highest memory; 0: not known.
std::uint64_t parse_memory_end(std::string_view iomem);

// How many of the kernel's memory sections, 128 MiB of addresses each, what is reserved for a crash kernel
// lies in, by /proc/iomem; 0: not known. Source: Linux arch/x86/include/asm/sparsemem.h, SECTION_SIZE_BITS.
unsigned count_reserved_sections(std::string_view iomem);
unsigned read_reserved_sections(const SystemPaths& paths);

} // namespace lifeboat::host
