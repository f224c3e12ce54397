// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/log.h"
#include "host/config.h"
#include "host/crash_kernel/loading.h"
#include "host/json_object.h"
#include "host/readiness.h"
#include "host/subcommands.h"

#include <array>
#include <cstdio>
#include <ctime>
#include <format>
#include <utility>

namespace lifeboat::host {

namespace {

constexpr std::string_view name = "status";
constexpr std::array severity_names = {"note", "degraded", "not ready"};

// For the whole machine, by its gravest finding.
std::string_view state_name(Finding::Severity gravest) {
    return gravest == Finding::Severity::note ? "ready" : severity_names[std::to_underlying(gravest)];
}

std::string in_utc(std::int64_t seconds) {
    const std::time_t time = seconds;
    std::tm parts{};
    std::array<char, 64> text{};
    if (seconds == 0 || ::gmtime_r(&time, &parts) == nullptr)
        return "not known";
    return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

void line(std::string_view key, std::string_view value) {
    std::fputs(std::format("{:<10} {}\n", key, printable(value)).c_str(), stdout);
}

std::string loaded_text(const MachineView& view) {
    if (!view.kernel.is_loaded)
        return "nothing";
    if (!view.loaded)
        return "not by lifeboat";
    const Manifest& record = view.loaded->manifest;
    if (record.kernel != no_kernel_version || record.files.empty())
        return record.kernel;
    return std::format("'{}'", record.files.front().path); // `load --image`
}

std::string reservation_text(const MachineView& view) {
    const auto needed = view.needed_bytes();
    const std::uint64_t lent_bytes = view.kernel.lent.bytes;
    return std::format("{} MiB{}, {}", view.kernel.reserved_bytes >> 20,
                       lent_bytes > 0 ? std::format(" and {} MiB lent", lent_bytes >> 20) : "",
                       needed ? std::format("{} MiB needed", (*needed + (1 << 20) - 1) >> 20)
                              : "need not known");
}

std::string tested_text(const MachineView& view) {
    if (!view.tested)
        return "never";
    return std::format("{} ({})", view.tested->manifest.kernel,
                       view.test_doubt().empty() ? "as it is now" : "before the last change");
}

std::string target_text(const TargetRoom& room) {
    const std::string_view place = room.folder.empty() ? room.name : room.folder;
    if (!room.trouble.empty())
        return std::format("{}, of no use", place);
    return room.folder.empty() ? std::format("{}, not mounted", place)
                               : std::format("{}, {} MiB free", place, room.free_bytes >> 20);
}

void print_text(const MachineView& view, const std::vector<Finding>& findings) {
    line("state", state_name(gravest(findings)));
    line("kernel", view.wanted_version);
    line("loaded", loaded_text(view));
    line("packed", in_utc(view.packed_s));
    line("reserved", reservation_text(view));
    for (const TargetRoom& room : view.targets)
        line("target", target_text(room));
    line("watchdog", view.watchdog());
    line("last dump", view.newest_dump ? view.newest_dump->path() : "none");
    line("tested", tested_text(view));
    for (const Finding& finding : findings)
        line(severity_names[std::to_underlying(finding.severity)], finding.text);
}

JsonObject json_of(const TargetRoom& room) {
    JsonObject target;
    target.add("name", room.name);
    target.add("folder", room.folder);
    target.add("reachable", room.error.empty() && room.trouble.empty());
    target.add("free_bytes", room.free_bytes);
    return target;
}

JsonObject json_of(const Finding& finding) {
    JsonObject object;
    object.add("severity", severity_names[std::to_underlying(finding.severity)]);
    object.add("text", finding.text);
    return object;
}

template <class Each>
std::vector<JsonObject> json_list(const std::vector<Each>& list) {
    std::vector<JsonObject> objects;
    for (const Each& each : list)
        objects.push_back(json_of(each));
    return objects;
}

void print_json(const MachineView& view, const std::vector<Finding>& findings) {
    JsonObject object;
    object.add("state", state_name(gravest(findings)));
    object.add("kernel", view.wanted_version);
    object.add("loaded", view.kernel.is_loaded);
    if (view.loaded)
        object.add("loaded_kernel", view.loaded->manifest.kernel);
    object.add("packed_time", view.packed_s);
    object.add("stale", view.packed.has_value() && !view.packed->changes.empty());
    object.add("reserved_bytes", view.kernel.reserved_bytes);
    if (const auto needed = view.needed_bytes())
        object.add("needed_bytes", *needed);
    object.add("targets", json_list(view.targets));
    object.add("watchdog", view.watchdog());
    if (view.newest_dump)
        object.add("last_dump", view.newest_dump->path());
    object.add("tested", view.test_doubt().empty());
    object.add("findings", json_list(findings));
    std::puts(object.text().c_str());
}

ExitCode exit_code_of(Finding::Severity gravest) {
    constexpr std::array codes = {exit_ok, exit_degraded, exit_failed};
    return codes[std::to_underlying(gravest)];
}

Result<ExitCode> run_status(const SystemPaths& paths, const Arguments& arguments) {
    const Config config = TRY(read_config(arguments));
    const MachineView view = TRY(view_machine(paths, config));
    const std::vector<Finding> findings = findings_of(view);
    (arguments.has("--json") ? print_json : print_text)(view, findings);
    return exit_code_of(gravest(findings));
}

} // namespace

ExitCode status(const Arguments& arguments) {
    const auto code = run_status({}, arguments);
    return code ? *code : failure(name, code.error().text);
}

} // namespace lifeboat::host
