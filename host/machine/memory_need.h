// SPDX-License-Identifier: GPL-2.0-or-later
// How much memory has to be reserved for a capture: a sum of parts, each with where its number comes from.
//
// It is the least with which it works, so what is below it need not be tried. A reservation should be larger:
// recommended_reservation_bytes().
#pragma once

#include "host/machine/manifest.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace lifeboat::host {

struct MemoryPart {
    std::string name; // "kernel image"
    std::uint64_t bytes = 0;
    std::string source; // "the image's header"
};

// What is known of an initrd and its kernel.
struct MemoryInput {
    std::uint64_t kernel_init_bytes = 0; // InstalledKernel::init_bytes
    bool follows_hotplug = false;        // InstalledKernel::follows_hotplug
    std::uint64_t packed_bytes = 0;      // the initrd
    std::uint64_t rootfs_bytes = 0;      // what is in it, in whole pages
    std::uint64_t module_bytes = 0;      // its modules, once loaded
    unsigned reserved_sections = 1;      // CrashKernelState::reserved_sections; 0, not known, is taken for 1
};

std::vector<MemoryPart> memory_need(const MemoryInput& input);
// What memory_need() adds up to in so many sections, when it is `need_bytes` in one.
std::uint64_t need_in_sections(std::uint64_t need_bytes, unsigned sections);
std::uint64_t sum_of(std::span<const MemoryPart> parts);

// "kernel image 51.5 + initrd unpacked 2.1 + ... = 66.0 MiB"
std::string sum_text(std::span<const MemoryPart> parts);

// For crashkernel=: the sum with room for a machine that differs a little, in whole 16 MiB.
std::uint64_t recommended_reservation_bytes(std::uint64_t need_bytes);

// The manifest's fact with sum_of() of a packed initrd, in bytes, where the reservation lies in one section.
inline constexpr const char* memory_need_fact = "memory_need_bytes";
// What it says of so many sections; nothing: the manifest has no such fact.
std::optional<std::uint64_t> noted_need(const Manifest& manifest, unsigned sections);

// "66.0 MiB"
std::string in_mebibytes(std::uint64_t bytes);

} // namespace lifeboat::host
