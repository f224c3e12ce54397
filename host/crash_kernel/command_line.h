// SPDX-License-Identifier: GPL-2.0-or-later
// The crash kernel's command line, composed of the running kernel's, of what a crash kernel needs, and of
// what the administrator adds.
//
//     const auto line = compose_crash_command_line({.running = TRY(read_file("/proc/cmdline")), .cpus = 2,
//                                                   .boot_cpu_apic_id = 0, .extra = config.command_line});
//
// In this order: the running kernel's words but for those that is_dropped() names (and all behind `--`, which
// are init's); the needed words; nr_cpus=, disable_cpu_apicid=, irqpoll, no5lvl as the machine asks for them;
// the trimming, with what machines without such disks leave out; the extra words. An extra word takes the
// place of every word of ours that sets the same parameter, and `-NAME` or
// `-NAME=VALUE` among them takes words out and adds nothing: `-initcall_blacklist=tracer_init_tracefs`,
// `-mce`.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lifeboat::host {

// x86: boot/setup says 2,047 bytes, of which kexec_file_load(2) wants 30 for elfcorehdr= and one for the end.
// Source: Linux arch/x86/kernel/kexec-bzimage64.c, bzImage64_load().
inline constexpr std::size_t command_line_maximum = 2047 - 30 - 1;

struct CommandLineParts {
    std::string_view running;
    unsigned cpus = 1;
    // Of the CPU that the machine booted on: were it woken by another, it would reset the machine.
    std::optional<std::uint64_t> boot_cpu_apic_id;
    bool has_shared_interrupts = false;
    bool has_trusted_tsc = false;
    std::uint64_t memory_end = 0; // 0: not known
    bool has_integrity_disks = false;
    std::string_view extra;
};

// How many CPUs the crash kernel brings up: `configured`, or where that is 0 as many as pay.
unsigned crash_kernel_cpus(unsigned configured, unsigned online);

struct CrashCommandLine {
    std::string text;
    // Of what leaves out parts of the kernel, what there was no room for: "dhash_entries=256". The crash
    // kernel comes up without it, in more memory.
    std::vector<std::string> left_out;
};

// Of a line that is too long for a kernel the trimming goes, the words that save least first. Fails with
// invalid when it is too long even so; the error names its length.
Result<CrashCommandLine> compose_crash_command_line(const CommandLineParts& parts);

} // namespace lifeboat::host
