// SPDX-License-Identifier: GPL-2.0-or-later
// How much memory has to be reserved for a capture: a sum of parts, each with where its number comes from.
//
// It is the least with which it works, so what is below it need not be tried. What is reserved should be
// larger: recommended_reservation_bytes().
#pragma once

#include "host/machine/manifest.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lifeboat::host {

struct MemoryPart {
    std::string name; // "kernel image"
    std::uint64_t bytes = 0;
    std::string source; // "the image's header"
};

// What is known of an initrd and its kernel.
struct MemoryInput {
    std::string kernel_version;          // InstalledKernel::version
    std::uint64_t kernel_init_bytes = 0; // InstalledKernel::init_bytes
    bool follows_hotplug = false;        // InstalledKernel::follows_hotplug
    bool has_integrity_disks = false;    // MachineFacts::has_integrity_disks
    std::uint64_t packed_bytes = 0;      // the initrd
    std::uint64_t rootfs_bytes = 0;      // what is in it, in whole pages
    bool limits_rootfs = false;          // InstalledKernel::limits_rootfs
    std::uint64_t module_bytes = 0;      // its modules, once loaded
};

// What is reserved, as far as it is known where: the numbers of CrashKernelState.
struct Reservation {
    std::uint64_t bytes = 0;      // 0: nothing is reserved yet
    unsigned sections = 0;        // that it lies in; 0: not known
    std::uint64_t lent_bytes = 0; // what the crash kernel gets besides (host/crash_kernel/lent_memory.h)
    unsigned lent_sections = 0;
};

// For a reservation that lies in one section.
std::vector<MemoryPart> memory_need(const MemoryInput& input);
// Whether what this kernel takes while it boots was measured; else the sum has a margin for it.
bool is_measured_kernel(std::string_view version);

// What need be reserved, when it is `need_bytes` in one section: as much as does wherever the reservation
// comes to lie, so that a reboot changes nothing about it; of one that is there and is smaller, what does
// there.
std::uint64_t need_for(std::uint64_t need_bytes, const Reservation& reservation);
// Whether it is enough, with what is lent.
bool does_suffice(const Reservation& reservation, std::uint64_t need_bytes);
std::uint64_t sum_of(std::span<const MemoryPart> parts);

// "kernel image 51.5 + initrd unpacked 2.1 + ... = 66.0 MiB"
std::string sum_text(std::span<const MemoryPart> parts);

// For crashkernel=, whatever recommends or writes it, in whole 16 MiB and 128 MiB at the least: the sum
// wherever the reservation lies, with room for what drivers take for their devices, which nobody can know
// before. `need_bytes` as for need_for().
std::uint64_t recommended_reservation_bytes(std::uint64_t need_bytes);

// The manifest's fact with sum_of() of a packed initrd, in bytes, where the reservation lies in one section.
inline constexpr const char* memory_need_fact = "memory_need_bytes";
// Nothing: the manifest has no such fact.
std::optional<std::uint64_t> noted_need(const Manifest& manifest);

// "66.0 MiB"
std::string in_mebibytes(std::uint64_t bytes);

} // namespace lifeboat::host
