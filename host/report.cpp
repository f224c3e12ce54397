// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/descriptor.h"
#include "base/replace_file.h"
#include "base/text.h"
#include "host/crash_test.h"
#include "host/dump_description.h"
#include "host/machine/state_folder.h"
#include "host/subcommands.h"

#include <algorithm>
#include <cstdio>
#include <format>
#include <string>

namespace lifeboat::host {

namespace {

constexpr std::string_view name = "report";

// The paths of the dumps that have been told of, a line each.
std::string reported_path(const std::string& folder) {
    return folder + "/reported";
}

Result<std::string> read_reported(const std::string& folder) {
    auto text = read_file(reported_path(folder));
    if (!text && text.error().os_error == ENOENT)
        return std::string();
    return text;
}

Result<> tell_of_new_dumps(const std::string& folder, const std::vector<KeptDump>& dumps) {
    const std::string reported = TRY(read_reported(folder));
    const auto known = split_lines(reported);
    std::string now;
    for (const KeptDump& kept : dumps) {
        if (!std::ranges::contains(known, kept.path()))
            std::puts(std::format("captured {}", description_line(kept)).c_str());
        (now += kept.path()) += '\n';
    }
    return now == reported ? Result<>{} : replace_file(reported_path(folder), now);
}

Result<> tell_of_test(const std::string& folder, const std::vector<KeptDump>& dumps) {
    const auto result = TRY(settle_pending_test(folder, dumps));
    if (!result)
        return {};
    if (!result->passed)
        return fail(ErrorKind::no_data, "the crash test failed: {}", result->text);
    std::puts(std::format("the crash test passed: {}", result->text).c_str());
    return {};
}

Result<> report_all(const Arguments& arguments) {
    const std::string folder(arguments.value("--state").value_or(state_folder));
    const DumpStore store = find_dump_store({}, TRY(read_config(arguments)));
    for (const std::string& missing : store.missing)
        failure(name, missing + ", nothing can be told of its dumps");
    const std::vector<KeptDump> dumps = TRY(list_kept_dumps(store.folders));
    TRY(tell_of_new_dumps(folder, dumps));
    return tell_of_test(folder, dumps);
}

} // namespace

ExitCode report(const Arguments& arguments) {
    if (const auto done = report_all(arguments); !done)
        return failure(name, done.error().text);
    return exit_ok;
}

} // namespace lifeboat::host
