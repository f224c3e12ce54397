// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/log.h"
#include "base/text.h"
#include "host/config.h"
#include "host/crash_kernel/command_line.h"
#include "host/crash_kernel/crash_kernel_state.h"
#include "host/crash_kernel/kernel_choice.h"
#include "host/crash_kernel/machine_facts.h"
#include "host/crash_kernel/packed_need.h"
#include "host/dump_forecast.h"
#include "host/json_object.h"
#include "host/machine/manifest.h"
#include "host/machine/memory_need.h"
#include "host/machine/state_folder.h"
#include "host/subcommands.h"

#include <cstdio>
#include <format>
#include <optional>
#include <set>

namespace lifeboat::host {

namespace {

constexpr std::string_view name = "estimate";
constexpr const char* live_core = "/proc/kcore";

struct Estimate {
    std::uint64_t reserved_bytes = 0;
    std::optional<std::uint64_t> needed_bytes; // nothing: no initrd is packed
    unsigned cpus = 1;
    std::vector<DumpForecast> dumps;
    std::vector<std::string> assumptions;
};

std::optional<std::uint64_t> needed_bytes(const SystemPaths& paths, const Reservation& reservation) {
    const auto choice = choose_kernel(paths, "");
    if (!choice)
        return std::nullopt;
    const auto manifest = read_manifest(in_state(paths, "manifest-" + choice->version));
    const auto noted = manifest ? noted_need(*manifest) : std::nullopt;
    return noted ? std::optional(need_for(*noted, reservation)) : std::nullopt;
}

void say_what_is_assumed(Estimate& estimate) {
    estimate.assumptions.emplace_back("at the crash, memory holds what it holds now");
    estimate.assumptions.push_back(
        std::format("the {} CPU(s) of the crash kernel compress as fast as this one did just "
                    "now, and the target writes at least as fast",
                    estimate.cpus));
    for (const DumpForecast& dump : estimate.dumps)
        if (dump.sampled_pages == 0 && dump.pages > 0)
            estimate.assumptions.push_back(
                std::format("level {}: no page could be read, its size is not known", dump.level));
    if (!estimate.dumps.empty())
        estimate.assumptions.append_range(estimate.dumps.front().doubts);
}

// The levels that say most, and the one that is configured.
Result<std::vector<DumpForecast>> forecast_levels(const Config& config) {
    const CoreFile core = TRY(CoreFile::open_elf(live_core, CoreAccess::read));
    std::vector<DumpForecast> dumps;
    for (const unsigned level : std::set<unsigned>{0, 1, 17, 31, config.plan.level})
        dumps.push_back(TRY(forecast_dump(core, level, config.plan.compression)));
    return dumps;
}

Result<Estimate> make_estimate(const SystemPaths& paths, const Config& config) {
    Estimate estimate;
    const CrashKernelState state = read_crash_kernel_state(paths);
    estimate.reserved_bytes = state.reserved_bytes;
    estimate.needed_bytes = needed_bytes(paths, state.reservation());
    estimate.cpus = crash_kernel_cpus(config.cpus, read_machine_facts(paths).online_cpus);
    estimate.dumps = TRY(forecast_levels(config).transform_error(
        while_doing("look at this machine's memory; a kernel that is locked down does not allow it")));
    say_what_is_assumed(estimate);
    return estimate;
}

double seconds_of(const DumpForecast& dump, unsigned cpus) {
    return static_cast<double>(dump.nanoseconds) / 1e9 / cpus;
}

void print_text(const Estimate& estimate) {
    std::puts(std::format("reserved     {} MiB", estimate.reserved_bytes >> 20).c_str());
    std::puts(estimate.needed_bytes
                  ? std::format("needed       {} MiB", (*estimate.needed_bytes + (1 << 20) - 1) >> 20).c_str()
                  : "needed       not known before `lifeboat pack`");
    for (const DumpForecast& dump : estimate.dumps)
        std::puts(std::format("level {:<6} {:10.1f} MB {:8.1f} s, {} pages", dump.level,
                              static_cast<double>(dump.bytes) / 1e6, seconds_of(dump, estimate.cpus),
                              dump.pages)
                      .c_str());
    for (const std::string& assumption : estimate.assumptions)
        std::puts(std::format("assumed      {}", printable(assumption)).c_str());
}

void print_json(const Estimate& estimate) {
    std::vector<JsonObject> levels;
    for (const DumpForecast& dump : estimate.dumps) {
        JsonObject level;
        level.add("level", dump.level);
        level.add("pages", dump.pages);
        level.add("bytes", dump.bytes);
        level.add("milliseconds", static_cast<std::uint64_t>(seconds_of(dump, estimate.cpus) * 1000));
        level.add("sampled_pages", dump.sampled_pages);
        levels.push_back(std::move(level));
    }
    JsonObject object;
    object.add("reserved_bytes", estimate.reserved_bytes);
    if (estimate.needed_bytes)
        object.add("needed_bytes", *estimate.needed_bytes);
    object.add("cpus", estimate.cpus);
    object.add("levels", levels);
    object.add("assumptions", estimate.assumptions);
    std::puts(object.text().c_str());
}

Result<> run_estimate(const Arguments& arguments) {
    const Config config = TRY(read_config(arguments));
    const Estimate estimate = TRY(make_estimate({}, config));
    (arguments.has("--json") ? print_json : print_text)(estimate);
    return {};
}

} // namespace

ExitCode estimate(const Arguments& arguments) {
    if (arguments.has("--crashkernel")) {
        std::puts(std::format("{}M", recommended_reservation_bytes(largest_packed_need({})) >> 20).c_str());
        return exit_ok;
    }
    if (const auto done = run_estimate(arguments); !done)
        return failure(name, done.error().text);
    return exit_ok;
}

} // namespace lifeboat::host
