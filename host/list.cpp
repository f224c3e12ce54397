// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/descriptor.h"
#include "host/crash_reason.h"
#include "host/dump_store.h"
#include "host/json_object.h"
#include "host/subcommands.h"
#include "stages/dump_files.h"
#include "vmcore/core_file.h"

#include <cstdio>
#include <format>
#include <string>

namespace lifeboat::host {

namespace {

constexpr std::string_view name = "list";
constexpr std::size_t kernel_log_limit_bytes = std::size_t{16} << 20;

// "": it cannot be told.
std::string kernel_of(const KeptDump& kept) {
    for (const char* file : {vmcore_name, vmcore_working_name})
        if (const auto core = CoreFile::open(kept.path() + '/' + file))
            return std::string(core->release());
    return {};
}

std::string reason_of(const KeptDump& kept) {
    const auto log = read_file(kept.path() + '/' + kernel_log_name, kernel_log_limit_bytes);
    return log ? find_crash_reason(*log) : std::string();
}

std::string or_unknown(std::string text) {
    return text.empty() ? "?" : std::move(text);
}

void print_text(const std::vector<KeptDump>& dumps) {
    for (const KeptDump& kept : dumps)
        std::puts(std::format("{}  {:<10}  {:>8.1f} MB  {}  {}", kept.path(), name_of(kept.dump.state),
                              static_cast<double>(kept.dump.bytes) / 1e6, or_unknown(kernel_of(kept)),
                              or_unknown(reason_of(kept)))
                      .c_str());
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
        row.add("kernel", kernel_of(kept));
        row.add("reason", reason_of(kept));
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
