// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/crash_kernel/machine_facts.h"

#include "base/descriptor.h"
#include "base/text.h"
#include "host/crash_kernel/memory_section.h"
#include "stages/list_folder.h"
#include "stages/read_attribute.h"

#include <algorithm>
#include <format>
#include <ranges>
#include <string>
#include <vector>

namespace lifeboat::host {

namespace {

// A machine of many CPUs has long files.
constexpr std::size_t proc_file_limit_bytes = std::size_t{64} << 20;

std::string text_of(const std::string& path) {
    return read_file(path, proc_file_limit_bytes).value_or("");
}

struct AddressRange {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
};

// Who is not root is told zeros.
std::vector<AddressRange> ranges_of(std::string_view iomem, std::string_view name) {
    std::vector<AddressRange> ranges;
    for (const std::string_view line : split_lines(iomem)) {
        const auto cut = split_key_value(line, ':');
        if (!cut || !cut->value.starts_with(name))
            continue;
        const std::size_t dash = cut->key.find('-');
        const auto first = parse_unsigned(cut->key.substr(0, dash), 16);
        const auto last = parse_unsigned(cut->key.substr(dash + 1), 16);
        if (first && last && *last > *first)
            ranges.push_back({*first, *last});
    }
    return ranges;
}

} // namespace

std::vector<unsigned> list_cpus(std::string_view list) {
    constexpr std::uint64_t cpus_maximum = 1 << 16; // no kernel has more
    std::vector<unsigned> cpus;
    for (const auto part : std::views::split(list, ',')) {
        const std::string_view range = trim(std::string_view(part));
        const std::size_t dash = range.find('-');
        const auto first = parse_unsigned(range.substr(0, dash));
        const auto last = dash == std::string_view::npos ? first : parse_unsigned(range.substr(dash + 1));
        for (std::uint64_t cpu = first.value_or(1); first && last && cpu <= std::min(*last, cpus_maximum);
             ++cpu)
            cpus.push_back(static_cast<unsigned>(cpu));
    }
    return cpus;
}

std::optional<std::uint64_t> parse_boot_cpu_apic_id(std::string_view cpuinfo) {
    bool is_first = false;
    for (const std::string_view line : split_lines(cpuinfo)) {
        const auto cut = split_key_value(line, ':');
        if (!cut)
            continue;
        if (cut->key == "processor")
            is_first = cut->value == "0";
        if (is_first && cut->key == "initial apicid")
            return parse_unsigned(cut->value);
    }
    return std::nullopt;
}

bool parse_shared_interrupts(std::string_view interrupts) {
    const auto is_shared = [](std::string_view line) {
        return line.contains("fasteoi") && line.substr(line.find("fasteoi")).contains(", ");
    };
    return std::ranges::any_of(split_lines(interrupts), is_shared);
}

bool parse_trusted_tsc(std::string_view available) {
    return std::ranges::contains(split_words(available), "tsc");
}

std::uint64_t parse_memory_end(std::string_view iomem) {
    std::uint64_t end = 0;
    for (const AddressRange& range : ranges_of(iomem, "System RAM"))
        end = std::max(end, range.last + 1);
    return end;
}

unsigned count_reserved_sections(std::string_view iomem) {
    unsigned sections = 0;
    for (const AddressRange& range : ranges_of(iomem, "Crash kernel"))
        sections += count_memory_sections(range.first, range.last);
    return sections;
}

unsigned read_reserved_sections(const SystemPaths& paths) {
    return count_reserved_sections(text_of(paths.proc + "/iomem"));
}

bool has_integrity_disks(const SystemPaths& paths) {
    const auto disks = list_folder(paths.sys + "/block").value_or(std::vector<std::string>());
    return std::ranges::any_of(disks, [&](const std::string& disk) {
        const std::string format =
            read_attribute(std::format("{}/block/{}/integrity/format", paths.sys, disk));
        return !format.empty() && format != "none";
    });
}

MachineFacts read_machine_facts(const SystemPaths& paths) {
    return {.online_cpus = std::max(1U, count_cpus(read_attribute(paths.sys + "/devices/system/cpu/online"))),
            .boot_cpu_apic_id = parse_boot_cpu_apic_id(text_of(paths.proc + "/cpuinfo")),
            .has_shared_interrupts = parse_shared_interrupts(text_of(paths.proc + "/interrupts")),
            .has_trusted_tsc = parse_trusted_tsc(
                read_attribute(paths.sys + "/devices/system/clocksource/clocksource0/available_clocksource")),
            .memory_end = parse_memory_end(text_of(paths.proc + "/iomem")),
            .has_integrity_disks = has_integrity_disks(paths)};
}

} // namespace lifeboat::host
