// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/machine/memory_need.h"

#include "base/text.h"

#include <algorithm>
#include <format>

namespace lifeboat::host {

namespace {

constexpr std::uint64_t mebibyte = 1 << 20;

// What the kernel allocates until the initrd is unpacked, besides its image and page descriptors, on the
// command line that `lifeboat load` gives it. docs/design.md, "What has to be reserved", has the
// measurements.
constexpr std::uint64_t kernel_boot_bytes = mebibyte / 2;
// Its init sections and the gaps between its sections, which it gives back before init starts. Debian's 6.1
// cloud kernel says "Freeing unused": 2036 + 2612 + 2040 + 1892 KiB.
constexpr std::uint64_t given_back_bytes = 8 * mebibyte;
// Of kernels with CRASH_HOTPLUG: as many program headers as there may ever be CPUs (8,192 on Debian's) and
// pieces of memory (8,192), 56 bytes each. Source: Linux arch/x86/kernel/crash.c, crash_load_segments().
constexpr std::uint64_t elfcorehdr_bytes = std::uint64_t{2} * 8192 * 56;
// PID 1 and its children at their largest, with two threads (peak_kib of the summary line).
constexpr std::uint64_t lifeboat_bytes = 6 * mebibyte + mebibyte / 4;

// Descriptors of a section's 32,768 pages, 64 bytes each, whether it has memory in all of them or in one.
// Source: Linux mm/sparse-vmemmap.c, vmemmap_populate_hugepages().
constexpr std::uint64_t section_descriptor_bytes = 2 * mebibyte;
// What is reserved lies in one at least, and the machine's first 640 KiB, which each kernel has, in another.
constexpr std::uint64_t descriptor_bytes_at_least = 2 * section_descriptor_bytes;

} // namespace

std::vector<MemoryPart> memory_need(const MemoryInput& input) {
    const std::uint64_t capture_bytes = input.module_bytes + lifeboat_bytes;
    // Modules and lifeboat come when the image's init sections and the packed initrd are gone.
    const std::uint64_t freed_bytes = given_back_bytes + input.packed_bytes;
    return {{"kernel image", input.kernel_init_bytes, "init_size of the image's header"},
            {"kernel while it boots", kernel_boot_bytes, "measured on Debian's 6.1 and 6.12"},
            {"page descriptors", need_in_sections(descriptor_bytes_at_least, input.reserved_sections),
             "2 MiB for each 128 MiB of addresses in which any of its memory lies, the first included"},
            {"elfcorehdr", input.follows_hotplug ? elfcorehdr_bytes : 0,
             "the kernel's room for CPUs and memory that come later"},
            {"initrd packed", input.packed_bytes, "the file"},
            {"initrd unpacked", input.rootfs_bytes, "its files, in whole pages"},
            {"capture", capture_bytes - std::min(capture_bytes, freed_bytes),
             "modules and lifeboat, less what the kernel has given back by then"}};
}

std::uint64_t need_in_sections(std::uint64_t need_bytes, unsigned sections) {
    return need_bytes + (std::max(sections, 1U) - 1) * section_descriptor_bytes;
}

std::uint64_t sum_of(std::span<const MemoryPart> parts) {
    std::uint64_t sum = 0;
    for (const MemoryPart& part : parts)
        sum += part.bytes;
    return sum;
}

std::string sum_text(std::span<const MemoryPart> parts) {
    std::string text;
    for (const MemoryPart& part : parts)
        if (part.bytes > 0)
            text += std::format("{}{} {}", text.empty() ? "" : " + ", part.name, in_mebibytes(part.bytes));
    return std::format("{} = {}", text, in_mebibytes(sum_of(parts)));
}

std::optional<std::uint64_t> noted_need(const Manifest& manifest, unsigned sections) {
    const auto fact = manifest.fact(memory_need_fact);
    const auto bytes = fact ? parse_unsigned(*fact) : std::nullopt;
    if (!bytes)
        return std::nullopt;
    return need_in_sections(*bytes, sections);
}

std::uint64_t recommended_reservation_bytes(std::uint64_t need_bytes) {
    constexpr std::uint64_t step = 16 * mebibyte;
    constexpr std::uint64_t margin = 8 * mebibyte;
    return (need_bytes + margin + step - 1) / step * step;
}

std::string in_mebibytes(std::uint64_t bytes) {
    const std::uint64_t tenths = (bytes * 10 + mebibyte / 2) / mebibyte;
    return std::format("{}.{} MiB", tenths / 10, tenths % 10);
}

} // namespace lifeboat::host
