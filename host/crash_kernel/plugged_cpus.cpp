// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/crash_kernel/plugged_cpus.h"

#include "base/descriptor.h"
#include "host/crash_kernel/machine_facts.h"
#include "stages/read_attribute.h"

#include <algorithm>

namespace lifeboat::host {

namespace {

constexpr std::size_t entries_at = 44; // behind the table's header, an address and flags
constexpr std::size_t table_limit_bytes = std::size_t{4} << 20;
constexpr std::uint32_t enabled = 1;
constexpr std::uint32_t first_of_x2apic = 255; // smaller numbers have an entry of the older kind

enum EntryType : std::uint8_t { local_apic = 0, local_x2apic = 9 };

std::uint8_t byte_at(std::string_view table, std::size_t at) {
    return at < table.size() ? static_cast<std::uint8_t>(table[at]) : 0;
}

std::uint32_t word_at(std::string_view table, std::size_t at) {
    std::uint32_t word = 0;
    for (std::size_t i = 4; i > 0; --i)
        word = word << 8 | byte_at(table, at + i - 1);
    return word;
}

bool is_enabled_cpu(std::string_view entry, bool has_older_kind) {
    if (byte_at(entry, 0) == local_apic)
        return (word_at(entry, 4) & enabled) != 0;
    return byte_at(entry, 0) == local_x2apic && (word_at(entry, 8) & enabled) != 0 &&
           (!has_older_kind || word_at(entry, 4) >= first_of_x2apic);
}

std::vector<std::string_view> entries_of(std::string_view table) {
    std::vector<std::string_view> entries;
    for (std::size_t at = entries_at; at + 2 <= table.size();) {
        const std::size_t length = byte_at(table, at + 1);
        if (length < 2)
            break;
        entries.push_back(table.substr(at, length));
        at += length;
    }
    return entries;
}

} // namespace

unsigned count_cpus_at_boot(std::string_view madt) {
    if (!madt.starts_with("APIC"))
        return 0;
    const auto entries = entries_of(madt);
    const bool has_older_kind =
        std::ranges::any_of(entries, [](std::string_view entry) { return byte_at(entry, 0) == local_apic; });
    return static_cast<unsigned>(std::ranges::count_if(
        entries, [&](std::string_view entry) { return is_enabled_cpu(entry, has_older_kind); }));
}

std::vector<unsigned> sleeping_plugged_cpus(const SystemPaths& paths) {
    const auto madt = read_file(paths.sys + "/firmware/acpi/tables/APIC", table_limit_bytes);
    const unsigned at_boot = madt ? count_cpus_at_boot(*madt) : 0;
    const std::string folder = paths.sys + "/devices/system/cpu";
    const std::vector<unsigned> online = list_cpus(read_attribute(folder + "/online"));
    std::vector<unsigned> sleeping = list_cpus(read_attribute(folder + "/present"));
    std::erase_if(sleeping, [&](unsigned cpu) {
        return at_boot == 0 || cpu < at_boot || std::ranges::contains(online, cpu);
    });
    return sleeping;
}

} // namespace lifeboat::host
