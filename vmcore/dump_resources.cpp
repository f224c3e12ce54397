// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/dump_resources.h"

#include "base/memory_info.h"
#include "vmcore/identical_pages.h"

#include <algorithm>

#include <unistd.h>

namespace lifeboat {

namespace {

// Measured as anonymous memory (tests/bench), rounded up: output pieces, descriptors and bitmaps; for each
// thread its batches and zstd's context.
constexpr std::uint64_t fixed_bytes = std::uint64_t{3} << 20;
constexpr std::uint64_t thread_bytes = std::uint64_t{3} << 19;

// Above the first nothing is gained (0.1 % of the size at level 0), below the second little (1 % of what it
// brings).
constexpr std::size_t table_pages = std::size_t{1} << 14;
constexpr std::size_t small_table_pages = std::size_t{1} << 12;

} // namespace

DumpMachine DumpMachine::here() {
    const long cpus = ::sysconf(_SC_NPROCESSORS_ONLN);
    const auto memory = read_memory_info();
    return {cpus > 0 ? static_cast<unsigned>(cpus) : 1, memory ? memory->available_kib * 1024 : 0};
}

DumpOptions fit_to_machine(DumpOptions options, const DumpMachine& machine) {
    const std::uint64_t budget_bytes = machine.available_bytes / 2;
    const std::uint64_t for_threads = budget_bytes - std::min(budget_bytes, fixed_bytes);
    const auto affordable = static_cast<unsigned>(std::min<std::uint64_t>(for_threads / thread_bytes, 1024));
    const unsigned wanted = options.threads == 0 ? machine.cpus : options.threads;
    options.threads = std::max(1U, std::min(wanted, affordable));
    const std::uint64_t rest = for_threads - std::min(for_threads, options.threads * thread_bytes);
    options.identical_table_pages =
        rest >= table_pages * IdenticalPages::bytes_per_entry() ? table_pages : small_table_pages;
    return options;
}

} // namespace lifeboat
