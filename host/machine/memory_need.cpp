// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/machine/memory_need.h"

#include "base/text.h"

#include <algorithm>
#include <format>

namespace lifeboat::host {

namespace {

constexpr std::uint64_t mebibyte = 1 << 20;

// What a kernel allocates until the initrd is unpacked, besides page descriptors and what init_size of its
// image has room for, on the command line that `lifeboat load` gives it. docs/crash-kernel-memory.md has the
// measurements.
struct MeasuredBoot {
    std::string_view release; // what the version begins with
    std::uint64_t bytes;
};
constexpr MeasuredBoot measured_boots[] = {
    {"6.1.", mebibyte / 2},
    {"6.12.", mebibyte / 2},
    {"7.3.", mebibyte * 5 / 2},
};
// Debian's are those that were measured: how a kernel is configured matters as much as its version does.
constexpr std::string_view measured_distribution = "-amd64";
// Of other kernels: with it the sum is what captured on 7.3 before its boot was looked at, 80 MiB; 76 did
// not.
constexpr std::uint64_t unknown_boot_bytes = mebibyte * 25 / 2;
// The blocks that kernels since 6.18 keep in store for disks with protection information: two of 2 MiB. Where
// there is no such disk, kernel_words.h leaves them out. Source: Linux block/bio-integrity.c.
constexpr std::uint64_t integrity_bytes = 4 * mebibyte;
// Its init sections and the gaps between its sections, which it gives back before init starts. Debian's 6.1
// cloud kernel says "Freeing unused": 2036 + 2612 + 2040 + 1892 KiB.
constexpr std::uint64_t given_back_bytes = 8 * mebibyte;
// Of kernels with CRASH_HOTPLUG: as many program headers as there may ever be CPUs (8,192 on Debian's) and
// pieces of memory (8,192), 56 bytes each. Source: Linux arch/x86/kernel/crash.c, crash_load_segments().
constexpr std::uint64_t elfcorehdr_bytes = std::uint64_t{2} * 8192 * 56;
// What the initcalls take once rootfs is mounted: 6.1 and 6.12 have 7.6 MiB, 7.3 7.9.
constexpr std::uint64_t taken_after_rootfs_bytes = 7 * mebibyte;
// PID 1 and its children at their largest, with two threads (peak_kib of the summary line).
constexpr std::uint64_t lifeboat_bytes = 6 * mebibyte + mebibyte / 4;

// Descriptors of a section's 32,768 pages, 64 bytes each, whether it has memory in all of them or in one.
// Source: Linux mm/sparse-vmemmap.c, vmemmap_populate_hugepages().
constexpr std::uint64_t section_descriptor_bytes = 2 * mebibyte;
// What is reserved lies in one at least, and the machine's first 640 KiB, which each kernel has, in another.
constexpr std::uint64_t descriptor_bytes_at_least = 2 * section_descriptor_bytes;

// A reservation of the usual size can lie across a border of sections.
constexpr unsigned sections_anywhere = 2;

const MeasuredBoot* measured_boot(std::string_view version) {
    if (!version.ends_with(measured_distribution))
        return nullptr;
    const auto* const found = std::ranges::find_if(
        measured_boots, [&](const MeasuredBoot& boot) { return version.starts_with(boot.release); });
    return found == std::end(measured_boots) ? nullptr : found;
}

MemoryPart boot_part(std::string_view version) {
    if (const MeasuredBoot* const measured = measured_boot(version))
        return {"kernel while it boots", measured->bytes, "measured on Debian's kernel of this release"};
    return {"kernel while it boots (an estimate: it was not measured)", unknown_boot_bytes,
            "what the kernels measured take, and a margin"};
}

std::uint64_t need_in(std::uint64_t need_bytes, unsigned sections) {
    return need_bytes + (std::max(sections, 1U) - 1) * section_descriptor_bytes;
}

// rootfs may fill half of the memory that is free when it is mounted, and what is taken later is free then.
std::uint64_t left_free_by_rootfs(const MemoryInput& input) {
    return input.limits_rootfs ? input.rootfs_bytes - std::min(input.rootfs_bytes, taken_after_rootfs_bytes)
                               : 0;
}

} // namespace

std::vector<MemoryPart> memory_need(const MemoryInput& input) {
    const std::uint64_t capture_bytes = input.module_bytes + lifeboat_bytes;
    // Modules and lifeboat come when the image's init sections and the packed initrd are gone.
    const std::uint64_t freed_bytes = given_back_bytes + input.packed_bytes;
    return {{"kernel image", input.kernel_init_bytes, "init_size of the image's header"},
            boot_part(input.kernel_version),
            {"protection information", input.has_integrity_disks ? integrity_bytes : 0,
             "what kernels since 6.18 keep in store for disks with it"},
            {"page descriptors", descriptor_bytes_at_least,
             "2 MiB for each 128 MiB of addresses in which any of its memory lies, the first included"},
            {"elfcorehdr", input.follows_hotplug ? elfcorehdr_bytes : 0,
             "the kernel's room for CPUs and memory that come later"},
            {"initrd packed", input.packed_bytes, "the file"},
            {"initrd unpacked", input.rootfs_bytes, "its files, in whole pages"},
            {"the half that rootfs may not fill", left_free_by_rootfs(input),
             "of kernels before 6.18, which have no initramfs_options="},
            {"capture", capture_bytes - std::min(capture_bytes, freed_bytes),
             "modules and lifeboat, less what the kernel has given back by then"}};
}

bool is_measured_kernel(std::string_view version) {
    return measured_boot(version) != nullptr;
}

std::uint64_t need_for(std::uint64_t need_bytes, const Reservation& reservation) {
    const unsigned lent = reservation.lent_sections;
    const std::uint64_t anywhere =
        need_in(need_bytes, std::max(reservation.sections, sections_anywhere) + lent);
    const bool is_small = reservation.sections > 0 && reservation.bytes + reservation.lent_bytes < anywhere;
    return is_small ? need_in(need_bytes, reservation.sections + lent) : anywhere;
}

bool does_suffice(const Reservation& reservation, std::uint64_t need_bytes) {
    return reservation.bytes + reservation.lent_bytes >= need_for(need_bytes, reservation);
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

std::optional<std::uint64_t> noted_need(const Manifest& manifest) {
    const auto fact = manifest.fact(memory_need_fact);
    return fact ? parse_unsigned(*fact) : std::nullopt;
}

std::uint64_t recommended_reservation_bytes(std::uint64_t need_bytes) {
    constexpr std::uint64_t step = 16 * mebibyte;
    constexpr std::uint64_t margin = 8 * mebibyte;
    constexpr std::uint64_t at_least = 128 * mebibyte;
    const std::uint64_t wanted = need_in(need_bytes, sections_anywhere) + margin;
    return std::max(at_least, (wanted + step - 1) / step * step);
}

std::string in_mebibytes(std::uint64_t bytes) {
    const std::uint64_t tenths = (bytes * 10 + mebibyte / 2) / mebibyte;
    return std::format("{}.{} MiB", tenths / 10, tenths % 10);
}

} // namespace lifeboat::host
