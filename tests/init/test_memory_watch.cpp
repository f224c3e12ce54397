// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/memory_watch.h"
#include "tests/fakes/temporary_system.h"

#include <doctest/doctest.h>

using namespace lifeboat;

TEST_CASE("meminfo") {
    const MemoryInfo info = parse_memory_info("MemTotal:       90592 kB\nMemFree:           7 kB\n"
                                              "MemAvailable:   71348 kB\nBuffers: 0 kB\n");
    CHECK(info.total_kib == 90592);
    CHECK(info.free_kib == 7);
    CHECK(info.available_kib == 71348);
    CHECK(parse_memory_info("MemTotal:\nMemFree: x kB\n").total_kib == 0);
}

TEST_CASE("the least available is kept") {
    const fakes::TemporarySystem system;
    MemoryWatch watch(system.path("proc"));
    CHECK(watch.least_available_kib() == 0);
    watch.look(); // no meminfo: says nothing
    for (const char* available : {"50", "20", "40"}) {
        system.write("proc/meminfo", std::string("MemTotal: 100 kB\nMemAvailable: ") + available + " kB\n");
        watch.look();
    }
    CHECK(watch.least_available_kib() == 20);
    CHECK(watch.total_kib() == 100);
}

TEST_CASE("the peak is PID 1's and the largest child's") {
    const fakes::TemporarySystem system;
    system.write("proc/self/status", "Name:\tinit\nVmHWM:\t    1000 kB\n");
    MemoryWatch watch(system.path("proc"));
    watch.note_child_peak(500);
    watch.note_child_peak(200);
    CHECK(watch.peak_kib() == 1500);
}
