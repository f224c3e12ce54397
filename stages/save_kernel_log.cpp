// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/save_kernel_log.h"

#include "base/text.h"
#include "stages/dump_files.h"
#include "vmcore/core_file.h"
#include "vmcore/kernel_log.h"

#include <ctime>

namespace lifeboat {

namespace {

// The engine hands the lines over in large pieces.
Result<KernelLogSummary> write_log(const CoreFile& core, int fd) {
    return extract_kernel_log(
        core, [fd](std::string_view text) { return write_all(fd, text, kernel_log_working_name); });
}

void tell(const KernelLogSummary& summary, StageReport& report) {
    report.fact("dmesg_bytes", summary.written_bytes);
    report.fact("dmesg_records", summary.records);
    if (summary.damaged_records > 0)
        report.warning("dmesg: {} damaged records, passing over them", summary.damaged_records);
    report.info("dmesg: {} bytes, {} records in {}", summary.written_bytes, summary.records, kernel_log_name);
}

Result<> write_file(const CoreFile& core, DumpFolder& folder, StageReport& report) {
    const Descriptor file = TRY(folder.create_file(kernel_log_working_name));
    const auto summary = write_log(core, file.get());
    if (!summary) {
        if (folder.size_of(kernel_log_working_name) == 0)
            (void)folder.remove_file(kernel_log_working_name);
        return fail(summary.error());
    }
    TRY(folder.complete_file(file, kernel_log_working_name, kernel_log_name));
    tell(*summary, report);
    return {};
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
    DumpFolder folder =
        TRY(request.folder.empty() ? DumpFolder::create(request, choose_crash_time(said, std::time(nullptr)))
                                   : DumpFolder::open(request));
    report.fact("folder", folder.name());
    TRY(folder.remove_file(kernel_log_working_name)); // of an attempt that died
    if (!core)
        return fail(core.error());
    return write_file(*core, folder, report);
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
