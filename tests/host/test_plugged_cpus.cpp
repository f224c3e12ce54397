// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/crash_kernel/plugged_cpus.h"
#include "tests/fakes/temporary_system.h"

#include <doctest/doctest.h>

using namespace lifeboat;
using namespace lifeboat::host;

namespace {

std::string little_endian(std::uint32_t value) {
    std::string bytes;
    for (int i = 0; i < 4; ++i)
        bytes += static_cast<char>(value >> (8 * i));
    return bytes;
}

std::string local_apic(unsigned id, bool is_enabled) {
    return std::string{0, 8, static_cast<char>(id), static_cast<char>(id)} +
           little_endian(is_enabled ? 1 : 2);
}

std::string local_x2apic(unsigned id, bool is_enabled) {
    return std::string{9, 16, 0, 0} + little_endian(id) + little_endian(is_enabled ? 1 : 2) +
           little_endian(id);
}

std::string madt(const std::string& entries) {
    return "APIC" + std::string(40, '\0') + entries;
}

const std::string io_apic = std::string{1, 12} + std::string(10, '\1');
const std::string two_of_four =
    madt(local_apic(0, true) + local_apic(1, true) + io_apic + local_apic(2, false) + local_apic(3, false));

} // namespace

TEST_CASE("CPUs that were there at boot are those that the firmware calls enabled") {
    CHECK(count_cpus_at_boot(two_of_four) == 2);
    // A machine of many has the rest as x2APICs; some firmware names the first ones twice.
    CHECK(count_cpus_at_boot(madt(local_apic(0, true) + local_x2apic(0, true) + local_x2apic(256, true) +
                                  local_x2apic(257, false))) == 2);
    CHECK(count_cpus_at_boot(madt(local_x2apic(0, true) + local_x2apic(1, true))) == 2);
    for (const std::string& damaged :
         {std::string(), std::string("APIC"), std::string("FACP") + two_of_four.substr(4),
          madt(std::string{0, 0} + std::string(100, '\0')), madt("\x09")})
        CHECK(count_cpus_at_boot(damaged) == 0);
    CHECK(count_cpus_at_boot(two_of_four.substr(0, two_of_four.size() - 9)) == 2);
}

TEST_CASE("a CPU that came and was never brought up") {
    const fakes::TemporarySystem system;
    const std::string folder = "sys/devices/system/cpu/";
    const auto sleeping = [&](const std::string& present, const std::string& online) {
        system.write(folder + "present", present + "\n");
        system.write(folder + "online", online + "\n");
        return sleeping_plugged_cpus(system.paths());
    };
    CHECK(sleeping("0-3", "0-1").empty()); // not told: the table cannot be read
    system.write("sys/firmware/acpi/tables/APIC", two_of_four);
    CHECK(sleeping("0-1", "0-1").empty());
    CHECK(sleeping("0-1", "0").empty()); // taken offline: it has run
    CHECK(sleeping("0-2", "0-2").empty());
    CHECK(sleeping("0-3", "0-1,3") == std::vector<unsigned>{2});
}
