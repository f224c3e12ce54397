// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/descriptor.h"
#include "base/log.h"
#include "base/replace_file.h"
#include "base/text.h"
#include "host/progress_bar.h"
#include "host/subcommands.h"
#include "vmcore/core_file.h"
#include "vmcore/dump.h"
#include "vmcore/dump_resources.h"

#include <algorithm>
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

Result<DumpFormat> parse_format(std::string_view text) {
    if (text == "kdump")
        return DumpFormat::kdump;
    if (text == "elf")
        return DumpFormat::elf;
    return fail(ErrorKind::invalid, "format '{}' is not known: kdump or elf", text);
}

Result<FilterRequest> read_request(const Arguments& arguments) {
    FilterRequest request{.input = arguments.operand(0), .output = arguments.operand(1)};
    DumpOptions& options = request.options;
    options.level = static_cast<unsigned>(
        TRY(arguments.number("--level", 0, dump_level_maximum)).value_or(dump_level_maximum));
    options.threads =
        static_cast<unsigned>(TRY(arguments.number("--threads", 1, threads_maximum)).value_or(0));
    if (const auto format = arguments.value("--format"))
        options.format = TRY(parse_format(*format));
    if (const auto compression = arguments.value("--compress"))
        options.compression = TRY(parse_compression(*compression));
    if (options.format == DumpFormat::elf && arguments.has("--compress") &&
        options.compression.method != Compression::Method::none)
        return fail(ErrorKind::invalid, "an ELF core has no compressed pages: leave out --compress");
    return request;
}

bool is_same_file(const std::string& one, const std::string& other) {
    struct stat one_status{};
    struct stat other_status{};
    return ::stat(one.c_str(), &one_status) == 0 && ::stat(other.c_str(), &other_status) == 0 &&
           one_status.st_dev == other_status.st_dev && one_status.st_ino == other_status.st_ino;
}

// Nothing may be written to what is read from, by whichever name.
Result<> check_names(const FilterRequest& request, const std::string& incomplete) {
    if (is_same_file(request.input, request.output))
        return fail(ErrorKind::invalid, "'{}' and '{}' are the same file", request.input, request.output);
    if (is_same_file(request.input, incomplete))
        return fail(ErrorKind::invalid, "'{}' would be written over: the output is called '{}' at first",
                    request.input, incomplete);
    return {};
}

void warn(std::string_view text) {
    std::fputs(std::format("lifeboat filter: {}\n", printable(text)).c_str(), stderr);
}

void print_summary(const CoreFile& core, unsigned asked_level, const DumpSummary& summary) {
    for (const std::string& remark : summary.remarks)
        warn(remark);
    for (const std::string& doubt : summary.doubts)
        warn(doubt);
    if ((summary.level & asked_level) != asked_level)
        warn(std::format("what kernel {} tells of its pages is not enough for level {}: level {}",
                         core.release().empty() ? "?" : printable(core.release()), asked_level,
                         summary.level));
    std::string line = std::format(
        "level={} bytes={} pages={} left_out_before={} dumped={} zero={} identical={} unreadable={}",
        summary.level, summary.written_bytes, summary.present_pages, summary.left_out_pages,
        summary.dumped_pages, summary.zero_pages, summary.identical_pages, summary.unreadable_pages);
    for (std::size_t i = 0; i < page_class_count; ++i)
        line += std::format(" {}={}", name_of(static_cast<PageClass>(i)), summary.pages_by_class[i]);
    line += std::format(" asked_level={}", asked_level);
    std::puts(line.c_str());
}

DumpOutcome write_with_progress(const CoreFile& core, int output_fd, const DumpOptions& options) {
    ProgressBar bar("copying", core.page_bytes());
    return write_dump(core, output_fd, options, [&](const DumpProgress& progress) { bar.show(progress); });
}

// Always a new file of this process's own, also where others may write to the folder: what has the name goes
// (a link, not what it leads to), an earlier attempt's rest with it.
Result<Descriptor> create_output(const std::string& path) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
        return fail_system("remove '{}'", path);
    return open_file(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
}

Result<> run_filter(const FilterRequest& request) {
    const CoreFile core = TRY(CoreFile::open(request.input, CoreAccess::read));
    const std::string incomplete = request.output + ".incomplete";
    TRY(check_names(request, incomplete));
    const Descriptor output = TRY(create_output(incomplete));
    const DumpOptions options = fit_to_machine(request.options, DumpMachine::here());
    auto outcome = write_with_progress(core, output.get(), options);
    print_summary(core, options.level, outcome.summary);
    if (outcome.error) {
        outcome.error->text += std::format(", what was written stays in '{}', marked incomplete", incomplete);
        return fail(std::move(*outcome.error));
    }
    if (::rename(incomplete.c_str(), request.output.c_str()) != 0)
        return fail_system("rename '{}' to '{}'", incomplete, request.output);
    return sync_folder(folder_of(request.output));
}

} // namespace

ExitCode filter(const Arguments& arguments) {
    const auto request = read_request(arguments);
    if (!request)
        return usage_error(name, request.error().text);
    if (const auto done = run_filter(*request); !done)
        return failure(name, done.error().text);
    return exit_ok;
}

} // namespace lifeboat::host
