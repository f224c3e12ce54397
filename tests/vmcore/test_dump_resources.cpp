// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/dump_resources.h"

#include <doctest/doctest.h>

using namespace lifeboat;

TEST_CASE("threads and table as CPUs and memory allow") {
    constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;
    const struct {
        unsigned asked;
        unsigned cpus;
        std::uint64_t available_mib;
        unsigned threads;
        std::size_t table_pages;
    } table[] = {
        {0, 2, 64, 2, 1 << 14},   {0, 4, 1024, 4, 1 << 14}, {0, 64, 64, 19, 1 << 12},
        {3, 8, 1024, 3, 1 << 14}, {8, 2, 1024, 8, 1 << 14}, // asked for: more than there are CPUs
        {0, 4, 12, 2, 1 << 12},   {0, 2, 9, 1, 1 << 12},    {0, 2, 3, 1, 1 << 12},
        {0, 2, 0, 1, 1 << 12},
    };
    for (const auto& row : table) {
        CAPTURE(row.cpus);
        CAPTURE(row.available_mib);
        DumpOptions options;
        options.threads = row.asked;
        options.level = 17;
        const DumpOptions fitted = fit_to_machine(options, {row.cpus, row.available_mib * mebibyte});
        CHECK(fitted.threads == row.threads);
        CHECK(fitted.identical_table_pages == row.table_pages);
        CHECK(fitted.level == 17);
    }
}

TEST_CASE("this machine has a CPU and some memory") {
    const DumpMachine machine = DumpMachine::here();
    CHECK(machine.cpus >= 1);
    CHECK(machine.available_bytes > 0);
}
