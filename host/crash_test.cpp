// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/crash_test.h"

#include "base/descriptor.h"
#include "base/text.h"
#include "host/dump_description.h"
#include "stages/dump_files.h"
#include "vmcore/dump_verifier.h"

#include <algorithm>
#include <format>

#include <unistd.h>

namespace lifeboat::host {

namespace {

constexpr const char* boot_id_path = "/proc/sys/kernel/random/boot_id";
// A dump's time is in whole seconds of another clock's reading.
constexpr std::int64_t clock_slack_s = 2;

std::string pending_path(const std::string& folder) {
    return folder + "/test-pending";
}

std::string tested_path(const std::string& folder) {
    return folder + "/tested";
}

std::string finding_of(const KeptDump& kept, const DumpVerdict& verdict) {
    const std::string lesser_level = lesser_level_of(kept);
    if (verdict.state == DumpVerdict::State::whole)
        return std::format("'{}' is whole, {} pages{}", kept.path(), verdict.pages,
                           lesser_level.empty() ? "" : ", of " + lesser_level);
    return std::format("'{}' is not whole: {}", kept.path(),
                       verdict.findings.empty() ? "it is marked incomplete" : verdict.findings.front());
}

TestResult judge(const KeptDump& kept) {
    if (kept.dump.state != StoredDump::State::complete)
        return {false,
                std::format("'{}' is {}: its lifeboat.log says why", kept.path(), name_of(kept.dump.state))};
    const auto verdict = verify_dump(kept.path() + '/' + vmcore_name, [](const DumpProgress&) {});
    if (!verdict)
        return {false, verdict.error().text};
    return {verdict->state == DumpVerdict::State::whole, finding_of(kept, *verdict)};
}

} // namespace

Result<> note_pending_test(const std::string& folder, Manifest loaded, std::int64_t now_s) {
    const std::string boot = TRY(read_file(boot_id_path));
    loaded.facts.push_back({"time", std::to_string(now_s)});
    loaded.facts.push_back({"boot", std::string(trim(split_lines(boot)[0]))});
    return write_manifest(pending_path(folder), loaded);
}

Result<std::optional<TestResult>> settle_pending_test(const std::string& folder,
                                                      std::span<const KeptDump> dumps) {
    auto manifest = read_manifest(pending_path(folder));
    if (!manifest && manifest.error().os_error == ENOENT)
        return std::optional<TestResult>();
    if (!manifest)
        return fail(manifest.error());
    const std::string boot = TRY(read_file(boot_id_path));
    if (boot.starts_with(manifest->fact("boot").value_or("?")))
        return std::optional<TestResult>();
    const std::int64_t crashed_s =
        parse_signed(manifest->fact("time").value_or("")).value_or(0) - clock_slack_s;
    const auto newer = std::ranges::find_if(
        dumps, [&](const KeptDump& kept) { return kept.dump.crash_time_s >= crashed_s; });
    TestResult result{false, "no dump came of it: the console's output of the crash kernel would tell why"};
    if (newer != dumps.end())
        result = judge(*newer);
    if (result.passed) {
        manifest->facts.push_back({"dump", newer->path()});
        TRY(write_manifest(tested_path(folder), *manifest));
    }
    if (::unlink(pending_path(folder).c_str()) != 0)
        return fail_system("remove '{}'", pending_path(folder));
    return std::optional(result);
}

} // namespace lifeboat::host
