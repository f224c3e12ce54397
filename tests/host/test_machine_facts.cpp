// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/crash_kernel/machine_facts.h"
#include "tests/fakes/temporary_system.h"

#include <doctest/doctest.h>

using namespace lifeboat;
using namespace lifeboat::host;

TEST_CASE("CPUs of a list") {
    const std::pair<std::string_view, unsigned> rows[] = {
        {"0", 1}, {"0-3", 4}, {"0-3,6", 5}, {"0,2-3,8-11", 7}, {"", 0}, {"3-1", 0}, {"x,1", 1},
    };
    for (const auto& [list, count] : rows)
        CHECK_MESSAGE(count_cpus(list) == count, list);
}

TEST_CASE("the APIC id of the CPU that the machine booted on") {
    CHECK(parse_boot_cpu_apic_id("processor\t: 0\napicid\t\t: 7\ninitial apicid\t: 4\n\nprocessor\t: 1\n"
                                 "initial apicid\t: 6\n") == 4);
    CHECK(parse_boot_cpu_apic_id("processor\t: 1\ninitial apicid\t: 6\n") == std::nullopt);
    CHECK(parse_boot_cpu_apic_id("processor\t: 0\nBogoMIPS\t: 50.00\n") == std::nullopt);
}

TEST_CASE("interrupt lines with several drivers") {
    const std::string head = "           CPU0       CPU1\n";
    CHECK(parse_shared_interrupts(head +
                                  " 16:   0   12  IR-IO-APIC   16-fasteoi   ehci_hcd:usb1, i801_smbus\n"));
    CHECK_FALSE(parse_shared_interrupts(head + "  9:   0   0  IO-APIC    9-fasteoi   acpi\n"));
    CHECK_FALSE(parse_shared_interrupts(head + " 24:   0   0  PCI-MSI 1-edge      a, b\n"));
    CHECK_FALSE(parse_shared_interrupts(""));
}

TEST_CASE("a TSC that was found right") {
    CHECK(parse_trusted_tsc("tsc hpet acpi_pm"));
    CHECK(parse_trusted_tsc("kvm-clock tsc acpi_pm"));
    CHECK_FALSE(parse_trusted_tsc("hpet acpi_pm"));
    CHECK_FALSE(parse_trusted_tsc("tsc-early hpet"));
    CHECK_FALSE(parse_trusted_tsc(""));
}

TEST_CASE("where memory ends") {
    CHECK(parse_memory_end("00000000-00000fff : Reserved\n00001000-0009ffff : System RAM\n"
                           "00100000-7ffdffff : System RAM\n  7b000000-7effffff : Crash kernel\n"
                           "fed00000-fed003ff : HPET 0\n100000000-17fffffff : System RAM\n") == 0x180000000);
    CHECK(parse_memory_end("00000000-00000000 : System RAM\n") == 0); // not root
    CHECK(parse_memory_end("") == 0);
}

TEST_CASE("a machine that tells nothing") {
    const fakes::TemporarySystem system;
    const MachineFacts facts = read_machine_facts(system.paths());
    CHECK(facts.online_cpus == 1);
    CHECK(facts.boot_cpu_apic_id == std::nullopt);
    CHECK_FALSE(facts.has_shared_interrupts);
    CHECK_FALSE(facts.has_trusted_tsc);
    CHECK(facts.memory_end == 0);
    CHECK_FALSE(facts.has_integrity_disks);
    CHECK(read_reserved_sections(system.paths()) == 0);
}

TEST_CASE("sections of memory that a reservation lies in") {
    CHECK(count_reserved_sections("  3b000000-3effffff : Crash kernel\n") == 1);
    CHECK(count_reserved_sections("  38000000-3fffffff : Crash kernel\n") == 1);
    CHECK(count_reserved_sections("  38000000-40000000 : Crash kernel\n") == 2);
    // High, with a part below 4 GiB.
    CHECK(count_reserved_sections(
              "  af000000-beffffff : Crash kernel\n  1020000000-103fffffff : Crash kernel\n") == 7);
    CHECK(count_reserved_sections("  00000000-00000000 : Crash kernel\n") == 0);
    CHECK(count_reserved_sections("no file of that kind") == 0);
}

TEST_CASE("disks with protection information") {
    const struct {
        std::string format;
        bool has_integrity;
    } rows[] = {{"none\n", false}, {"", false}, {"T10-DIF-TYPE1-CRC\n", true}, {"nop\n", true}};
    for (const auto& row : rows) {
        CAPTURE(row.format);
        const fakes::TemporarySystem system;
        system.write("sys/block/loop0/size", "0\n");
        system.write("sys/block/sda/integrity/format", row.format);
        CHECK(read_machine_facts(system.paths()).has_integrity_disks == row.has_integrity);
    }
}

TEST_CASE("a machine that tells") {
    const fakes::TemporarySystem system;
    system.write("sys/devices/system/cpu/online", "0-7\n");
    system.write("proc/cpuinfo", "processor\t: 0\ninitial apicid\t: 0\n");
    system.write("proc/interrupts", " 16: 0 IO-APIC 16-fasteoi a, b\n");
    system.write("proc/iomem", "00001000-0009ffff : System RAM\n00100000-3fffffff : System RAM\n"
                               "  37000000-3affffff : Crash kernel\n");
    const MachineFacts facts = read_machine_facts(system.paths());
    CHECK(facts.online_cpus == 8);
    CHECK(facts.boot_cpu_apic_id == 0);
    CHECK(facts.has_shared_interrupts);
    CHECK(facts.memory_end == 0x40000000);
    CHECK(read_reserved_sections(system.paths()) == 2);
}
