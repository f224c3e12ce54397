// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/log.h"
#include "host/config.h"
#include "host/dump_store.h"
#include "host/subcommands.h"

#include <cstdio>
#include <ctime>
#include <format>
#include <string>

namespace lifeboat::host {

namespace {

constexpr std::string_view name = "prune";
constexpr std::uint64_t number_maximum = 1'000'000;

Result<Retention> read_retention(const Arguments& arguments, Retention retention) {
    retention.count = TRY(arguments.number("--count", 0, number_maximum)).value_or(retention.count);
    retention.days = TRY(arguments.number("--days", 0, number_maximum)).value_or(retention.days);
    if (const auto size = arguments.value("--size"))
        retention.bytes = TRY(parse_size(*size).transform_error(while_doing("--size")));
    return retention;
}

// Goes on where one cannot be removed; the number of those.
std::size_t prune_folder(const std::string& folder, const std::vector<StoredDump>& leaving, bool only_tell) {
    std::size_t failures = 0;
    for (const StoredDump& dump : leaving) {
        if (!only_tell)
            if (const auto done = remove_dump(folder, dump.name); !done) {
                failure(name, done.error().text);
                ++failures;
                continue;
            }
        std::puts(printable(std::format("{} {}/{} ({}, {} bytes)", only_tell ? "would remove" : "removed",
                                        folder, dump.name, name_of(dump.state), dump.bytes))
                      .c_str());
    }
    return failures;
}

// The same of what a removal that was cut off has left.
std::size_t finish_removals(const std::string& folder, const std::vector<std::string>& names,
                            bool only_tell) {
    std::size_t failures = 0;
    for (const std::string& half : names) {
        if (!only_tell)
            if (const auto done = finish_removal(folder, half); !done) {
                failure(name, done.error().text);
                ++failures;
                continue;
            }
        std::puts(printable(std::format("{} {}/{} (the rest of a removal that was cut off)",
                                        only_tell ? "would remove" : "removed", folder, half))
                      .c_str());
    }
    return failures;
}

Result<> prune_all(const Retention& retention, const DumpStore& store, bool only_tell) {
    std::size_t failures = 0;
    for (const std::string& folder : store.folders) {
        const auto dumps = list_dumps(folder);
        if (!dumps && dumps.error().os_error == ENOENT)
            continue;
        if (!dumps)
            return fail(dumps.error());
        failures += finish_removals(folder, TRY(list_half_removed(folder)), only_tell);
        failures += prune_folder(folder, beyond_retention(*dumps, retention, std::time(nullptr)), only_tell);
    }
    if (failures > 0)
        return fail(ErrorKind::system, "{} dumps that should have gone are still there", failures);
    return {};
}

} // namespace

ExitCode prune(const Arguments& arguments) {
    const auto config = read_config(arguments);
    if (!config)
        return failure(name, config.error().text);
    const auto retention = read_retention(arguments, config->keep);
    if (!retention)
        return usage_error(name, retention.error().text);
    const DumpStore store = find_dump_store({}, *config);
    for (const std::string& missing : store.missing)
        failure(name, missing + ", its dumps stay");
    if (const auto done = prune_all(*retention, store, arguments.has("--dry-run")); !done)
        return failure(name, done.error().text);
    return store.missing.empty() ? exit_ok : exit_failed;
}

} // namespace lifeboat::host
