// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/dump_description.h"
#include "host/json_object.h"
#include "host/subcommands.h"

#include <cstdio>
#include <string>

namespace lifeboat::host {

namespace {

constexpr std::string_view name = "list";
void print_text(const std::vector<KeptDump>& dumps) {
    for (const KeptDump& kept : dumps)
        std::puts(description_line(kept).c_str());
}

void print_json(const std::vector<KeptDump>& dumps) {
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
    JsonObject list;
    list.add("dumps", rows);
    std::puts(list.text().c_str());
}

Result<> list_all(const Arguments& arguments) {
    DumpStore store;
    if (arguments.operands().empty())
        store = find_dump_store(TRY(read_config(arguments)));
    else
        store.folders = {arguments.operand(0)};
    for (const std::string& missing : store.missing)
        failure(name, missing + ", its dumps are not listed");
    const std::vector<KeptDump> dumps = TRY(list_kept_dumps(store.folders));
    (arguments.has("--json") ? print_json : print_text)(dumps);
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
