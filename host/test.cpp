// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/descriptor.h"
#include "base/text.h"
#include "host/crash_kernel/crash_kernel_state.h"
#include "host/crash_kernel/loading.h"
#include "host/crash_test.h"
#include "host/machine/state_folder.h"
#include "host/readiness.h"
#include "host/subcommands.h"

#include <array>
#include <cstdio>
#include <ctime>
#include <format>
#include <string>
#include <utility>

#include <unistd.h>

namespace lifeboat::host {

namespace {

constexpr std::string_view name = "test";
constexpr const char* trigger_path = "/proc/sysrq-trigger";

// What the test will be of.
Result<Manifest> find_loaded() {
    if (!read_crash_kernel_state({}).is_loaded)
        return fail(ErrorKind::no_data,
                    "no crash kernel is loaded: 'lifeboat load' comes first, nothing was done");
    auto record = TRY(read_load_record({}));
    if (!record)
        return fail(ErrorKind::no_data, "the crash kernel that is loaded is not lifeboat's: 'lifeboat load' "
                                        "takes its place, nothing was done");
    return *std::move(record);
}

// Whatever stands in the way of a capture stands in the way of the test: the machine would go down for
// nothing.
Result<> check_ready(const Config& config) {
    const std::vector<Finding> findings = findings_of(TRY(view_machine({}, config)));
    if (gravest(findings) != Finding::Severity::failed)
        return {};
    for (const Finding& finding : findings)
        if (finding.severity == Finding::Severity::failed)
            failure(name, finding.text);
    return fail(ErrorKind::unsupported, "this panic would not be captured, nothing was done");
}

std::string host_name() {
    std::array<char, 256> host{};
    return ::gethostname(host.data(), host.size() - 1) == 0 ? std::string(host.data()) : "localhost";
}

// The host's name, typed: who has the wrong window open finds out here.
Result<> ask_for_confirmation(const DumpStore& store) {
    if (::isatty(STDIN_FILENO) == 0)
        return fail(ErrorKind::invalid,
                    "there is no terminal to ask at: --yes crashes without asking, nothing was done");
    std::string folders;
    for (const std::string& folder : store.folders)
        (folders += folders.empty() ? "" : ", ") += folder;
    const std::string host = host_name();
    std::fputs(std::format("This crashes '{0}' now: every program ends, what is not on disk is lost.\n"
                           "The dump is to come to {1}; 'lifeboat report' tells of it after the reboot.\n"
                           "Type the host's name ({0}) to go on: ",
                           host, folders)
                   .c_str(),
               stdout);
    std::fflush(stdout);
    std::array<char, 256> answer{};
    if (std::fgets(answer.data(), answer.size(), stdin) == nullptr ||
        trim(std::string_view(answer.data()).substr(0, std::string_view(answer.data()).find('\n'))) != host)
        return fail(ErrorKind::invalid, "that is not this host's name, nothing was done");
    return {};
}

// Comes back only when it failed.
Result<> crash_machine(Manifest loaded) {
    TRY(note_pending_test(std::string(state_folder), std::move(loaded), std::time(nullptr)));
    ::sync();
    TRY(write_existing_file(trigger_path, "c"));
    return fail(ErrorKind::system, "write 'c' to '{}': the machine is still up", trigger_path);
}

Result<> test_machine(const Arguments& arguments) {
    Manifest loaded = TRY(find_loaded());
    const Config config = TRY(read_config(arguments));
    TRY(check_ready(config));
    const DumpStore store = find_dump_store({}, config);
    if (!arguments.has("--yes"))
        TRY(ask_for_confirmation(store));
    return crash_machine(std::move(loaded));
}

} // namespace

ExitCode test(const Arguments& arguments) {
    return failure(name, test_machine(arguments).error().text);
}

} // namespace lifeboat::host
