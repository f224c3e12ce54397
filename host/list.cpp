// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/log.h"
#include "host/dump_description.h"
#include "host/json_object.h"
#include "host/subcommands.h"

#include <cstdio>
#include <string>

namespace lifeboat::host {

namespace {

constexpr std::string_view name = "list";

void print_text(const std::vector<KeptDump>& dumps, const std::vector<ForeignDump>& foreign) {
    for (const KeptDump& kept : dumps)
        std::puts(description_line(kept).c_str());
    for (const ForeignDump& other : foreign)
        std::puts(printable(std::format("{}  foreign  {}: left alone", other.name, other.reason)).c_str());
}

void print_json(const std::vector<KeptDump>& dumps, const std::vector<ForeignDump>& foreign) {
    std::vector<JsonObject> rows;
    for (const KeptDump& kept : dumps) {
        JsonObject row;
        row.add("path", kept.path());
        row.add("state", name_of(kept.dump.state));
        row.add("crash_time", kept.dump.crash_time_s);
        row.add("host", kept.dump.host);
        row.add("bytes", kept.dump.bytes);
        const auto [kernel, reason, lesser_level] = describe(kept);
        row.add("kernel", kernel);
        row.add("reason", reason);
        row.add("lesser_level", lesser_level);
        rows.push_back(std::move(row));
    }
    std::vector<JsonObject> others;
    for (const ForeignDump& other : foreign) {
        JsonObject row;
        row.add("path", other.name);
        row.add("reason", other.reason);
        others.push_back(std::move(row));
    }
    JsonObject list;
    list.add("dumps", rows);
    list.add("foreign", others);
    std::puts(list.text().c_str());
}

Result<> list_all(const Arguments& arguments) {
    DumpStore store;
    if (arguments.operands().empty())
        store = find_dump_store({}, TRY(read_config(arguments)));
    else
        store.folders = {arguments.operand(0)};
    for (const std::string& missing : store.missing)
        failure(name, missing + ", its dumps are not listed");
    const std::vector<KeptDump> dumps = TRY(list_kept_dumps(store.folders));
    (arguments.has("--json") ? print_json : print_text)(dumps, list_foreign_dumps(store.folders));
    if (!store.missing.empty() && store.folders.empty())
        return fail(ErrorKind::no_data, "no target's folder can be had");
    return {};
}

} // namespace

ExitCode list(const Arguments& arguments) {
    if (const auto done = list_all(arguments); !done)
        return failure(name, done.error().text);
    return exit_ok;
}

} // namespace lifeboat::host
