// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/clock.h"
#include "base/descriptor.h"
#include "base/scope_guard.h"
#include "base/text.h"
#include "host/subcommands.h"
#include "vmcore/core_file.h"
#include "vmcore/dump.h"
#include "vmcore/dump_resources.h"

#include <cstdio>
#include <string>

#include <sys/stat.h>
#include <unistd.h>

namespace lifeboat::host {

namespace {

constexpr std::string_view name = "filter";
constexpr unsigned threads_maximum = 256;

struct FilterRequest {
    DumpOptions options;
    std::string input;
    std::string output;
};

Result<> read_option(FilterRequest& request, std::string_view option, std::string_view value) {
    DumpOptions& options = request.options;
    if (option == "--level")
        options.level = static_cast<unsigned>(
            TRY(parse_in_range(value, 0, dump_level_maximum).transform_error(while_doing("--level"))));
    else if (option == "--compress")
        options.compression = TRY(parse_compression(value));
    else if (option == "--threads")
        options.threads = static_cast<unsigned>(
            TRY(parse_in_range(value, 1, threads_maximum).transform_error(while_doing("--threads"))));
    else
        return fail(ErrorKind::invalid, "option '{}' is not known", option);
    return {};
}

Result<FilterRequest> read_arguments(Arguments arguments) {
    FilterRequest request;
    request.options.threads = 0;
    std::vector<std::string_view> files;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string_view argument = arguments[i];
        if (!argument.starts_with("--")) {
            files.push_back(argument);
            continue;
        }
        if (const auto pair = split_key_value(argument)) {
            TRY(read_option(request, pair->key, pair->value));
        } else {
            if (i + 1 == arguments.size())
                return fail(ErrorKind::invalid, "option '{}' needs a value", argument);
            TRY(read_option(request, argument, arguments[++i]));
        }
    }
    if (files.size() != 2)
        return fail(ErrorKind::invalid, "INPUT and OUTPUT are needed, {} names were given", files.size());
    request.input = files[0];
    request.output = files[1];
    return request;
}

// One line, rewritten in place: on a terminal only.
void show_progress(const DumpProgress& progress) {
    static std::int64_t shown_at_ms = 0;
    const std::int64_t now_ms = monotonic_ms();
    if (now_ms - shown_at_ms < 100)
        return;
    shown_at_ms = now_ms;
    const bool scanning = progress.phase == DumpProgress::Phase::scanning;
    const std::uint64_t percent =
        progress.done_pages * 100 / std::max<std::uint64_t>(progress.total_pages, 1);
    std::fputs(std::format("\r{} {:3} %", scanning ? "scanning" : "copying ", percent).c_str(), stderr);
}

void print_summary(const DumpSummary& summary) {
    for (const std::string& remark : summary.remarks)
        std::fputs(std::format("lifeboat filter: {}\n", remark).c_str(), stderr);
    for (const std::string& doubt : summary.doubts)
        std::fputs(std::format("lifeboat filter: {}\n", doubt).c_str(), stderr);
    std::string line =
        std::format("level={} bytes={} pages={} dumped={} zero={} identical={} unreadable={}", summary.level,
                    summary.written_bytes, summary.present_pages, summary.dumped_pages, summary.zero_pages,
                    summary.identical_pages, summary.unreadable_pages);
    for (std::size_t i = 0; i < page_class_count; ++i)
        line += std::format(" {}={}", name_of(static_cast<PageClass>(i)), summary.pages_by_class[i]);
    std::puts(line.c_str());
}

Result<> run_filter(const FilterRequest& request) {
    const CoreFile core = TRY(CoreFile::open(request.input));
    const std::string incomplete = request.output + ".incomplete";
    const Descriptor output = TRY(open_file(incomplete, O_RDWR | O_CREAT | O_TRUNC, 0600));
    const DumpOptions options = fit_to_machine(request.options, DumpMachine::here());
    const bool terminal = ::isatty(STDERR_FILENO) == 1;
    auto outcome = write_dump(core, output.get(), options, [&](const DumpProgress& progress) {
        if (terminal)
            show_progress(progress);
    });
    if (terminal)
        std::fputs("\r\033[K", stderr);
    print_summary(outcome.summary);
    if (outcome.error) {
        outcome.error->text += std::format(", what was written stays in '{}', marked incomplete", incomplete);
        return fail(std::move(*outcome.error));
    }
    if (::rename(incomplete.c_str(), request.output.c_str()) != 0)
        return fail_system("rename '{}' to '{}'", incomplete, request.output);
    return {};
}

} // namespace

ExitCode filter(Arguments arguments) {
    const auto request = read_arguments(arguments);
    if (!request)
        return usage_error(name, request.error().text);
    if (const auto done = run_filter(*request); !done)
        return failure(name, done.error().text);
    return exit_ok;
}

} // namespace lifeboat::host
