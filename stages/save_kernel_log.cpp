// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/save_kernel_log.h"

#include "base/text.h"
#include "stages/dump_files.h"
#include "stages/make_room.h"
#include "vmcore/core_file.h"
#include "vmcore/kernel_log.h"

namespace lifeboat {

namespace {

// What it takes for the log, a report and a folder, where older dumps have left nothing: much of it, so that
// the vmcore need not begin with the same.
constexpr Room room_for_log{.bytes = std::uint64_t{64} << 20, .files = 16};

// The engine hands the lines over in large pieces.
Result<KernelLogSummary> write_log(const CoreFile& core, int fd, StageReport& report) {
    return extract_kernel_log(core, [&](std::string_view text) {
        return report.on_target(write_all(fd, text, kernel_log_working_name));
    });
}

void tell(const KernelLogSummary& summary, StageReport& report) {
    report.fact("dmesg_bytes", summary.written_bytes);
    report.fact("dmesg_records", summary.records);
    if (summary.damaged_records > 0)
        report.warning("dmesg: {} damaged records, passing over them", summary.damaged_records);
    report.info("dmesg: {} bytes, {} records in {}", summary.written_bytes, summary.records, kernel_log_name);
}

Result<> write_file(const CoreFile& core, DumpFolder& folder, StageReport& report) {
    TRY(report.on_target(folder.remove_file(kernel_log_working_name))); // of an attempt that broke off
    const Descriptor file = TRY(report.on_target(folder.create_file(kernel_log_working_name)));
    const auto summary = write_log(core, file.get(), report);
    if (!summary) {
        if (folder.size_of(kernel_log_working_name) == 0)
            (void)folder.remove_file(kernel_log_working_name);
        return fail(summary.error());
    }
    TRY(report.on_target(folder.complete_file(file, kernel_log_working_name, kernel_log_name)));
    tell(*summary, report);
    return {};
}

// Once more where older dumps have made room. `own`: the folder that is being made.
template <class Try>
auto with_room(const SaveRequest& request, const std::string& own, StageReport& report, Try attempt) {
    auto done = attempt();
    if (done || done.error().kind != ErrorKind::no_space || !request.removes_older)
        return done;
    make_room(request, own, room_for_log, "dmesg", done.error().text, report);
    return attempt();
}

// The last lines that fit; kept in a bounded buffer while the log goes by.
class Tail {
public:
    explicit Tail(std::size_t limit_bytes)
        : limit_bytes_(limit_bytes) {}

    void add(std::string_view text) {
        kept_ += text;
        if (kept_.size() > 2 * limit_bytes_)
            cut();
    }
    std::string_view text() {
        cut();
        return kept_;
    }

private:
    void cut() {
        if (kept_.size() <= limit_bytes_)
            return;
        const std::size_t line_end = kept_.find('\n', kept_.size() - limit_bytes_);
        kept_.erase(0, line_end == std::string::npos ? kept_.size() - limit_bytes_ : line_end + 1);
    }

    std::size_t limit_bytes_;
    std::string kept_;
};

} // namespace

Result<> save_kernel_log(const SaveRequest& request, StageReport& report) {
    // The folder is made also where the core cannot be opened: lifeboat.log goes there and says why.
    const auto core = CoreFile::open_elf(request.paths.vmcore(), request.access);
    const auto said = core ? core->vmcoreinfo().crash_time() : std::nullopt;
    DumpFolder folder = TRY(report.on_target(
        with_room(request, "", report, [&] { return DumpFolder::open_or_create(request, said, report); })));
    if (!core)
        return fail(core.error());
    return with_room(request, folder.name(), report, [&] { return write_file(*core, folder, report); });
}

Result<> show_kernel_log_tail(const SaveRequest& request, std::size_t limit_bytes, StageReport& report) {
    const CoreFile core = TRY(CoreFile::open_elf(request.paths.vmcore(), request.access));
    Tail tail(limit_bytes);
    const auto summary = extract_kernel_log(core, [&](std::string_view text) -> Result<> {
        tail.add(text);
        return {};
    });
    for (const std::string_view line : split_lines(tail.text()))
        report.info("| {}", line);
    if (!summary)
        return fail(summary.error());
    return {};
}

} // namespace lifeboat
