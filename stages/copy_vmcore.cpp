// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/copy_vmcore.h"

#include "stages/make_room.h"
#include "vmcore/core_file.h"
#include "vmcore/dump_resources.h"

#include <algorithm>
#include <span>

namespace lifeboat {

namespace {

Result<> make_room_for_second(const CopyRequest& request, DumpFolder& folder, StageReport& report) {
    if (request.expected_bytes > 0 && folder.free_bytes() > request.expected_bytes)
        return {};
    if (request.first_got_half_way)
        return fail(ErrorKind::no_space,
                    "write a second dump of about {} bytes: only {} are free, keeping the first",
                    request.expected_bytes, folder.free_bytes());
    if (folder.size_of(vmcore_working_name))
        report.info("vmcore: the second attempt replaces the first, which had not got half way");
    return folder.remove_file(vmcore_working_name);
}

// `told`: doubts that are in the log already.
void tell(const DumpSummary& summary, unsigned asked_level, std::span<const std::string> told,
          StageReport& report) {
    for (std::size_t index = 0; index < page_class_count; ++index)
        report.fact(name_of(static_cast<PageClass>(index)), summary.pages_by_class[index]);
    report.fact("level", summary.level);
    report.fact("pages", summary.present_pages);
    report.fact("dumped", summary.dumped_pages);
    report.fact("zero", summary.zero_pages);
    report.fact("identical", summary.identical_pages);
    report.fact("unreadable", summary.unreadable_pages);
    report.fact("bytes", summary.written_bytes);
    report.fact("doubts", summary.doubts.size());
    for (const std::string& remark : summary.remarks)
        report.info("vmcore: {}", remark);
    for (const std::string& doubt : summary.doubts)
        if (!std::ranges::contains(told, doubt))
            report.warning("vmcore: {}", doubt);
    if ((summary.level & asked_level) != asked_level)
        report.warning("vmcore: what this kernel tells of its pages is not enough for level {}: level {}",
                       asked_level, summary.level);
}

Result<> write_into(const CoreFile& core, const CopyRequest& request, DumpFolder& folder,
                    StageReport& report) {
    const char* working_name = request.second_attempt ? vmcore_second_name : vmcore_working_name;
    const Descriptor file = TRY(report.on_target(folder.create_file(working_name)));
    // From here on a file of this dump exists, and its name says that it is incomplete.
    DumpOptions options = fit_to_machine(request.options, DumpMachine::here());
    if (request.save.removes_older)
        options.make_room = [&](std::uint64_t wanted_bytes) {
            make_room(request.save, folder.name(), {.bytes = wanted_bytes}, "vmcore",
                      std::format("about {} bytes are expected", wanted_bytes), report);
        };
    const DumpOutcome outcome = write_dump(core, file.get(), options,
                                           [&](const DumpProgress& progress) { report.progress(progress); });
    tell(outcome.summary, request.options.level, core.doubts(), report);
    if (outcome.error)
        return outcome.error->os_error == ENOMEM ? Result<>(fail(*outcome.error))
                                                 : report.on_target(Result<>(fail(*outcome.error)));
    TRY(report.on_target(folder.complete_file(file, working_name, vmcore_name)));
    report.fact("complete", 1);
    report.info("vmcore: complete, {} bytes, {} of {} pages", outcome.summary.written_bytes,
                outcome.summary.dumped_pages, outcome.summary.present_pages);
    return request.second_attempt ? folder.remove_file(vmcore_working_name) : Result<>{};
}

} // namespace

Result<> copy_vmcore(const CopyRequest& request, StageReport& report) {
    const CoreFile core = TRY(CoreFile::open_elf(request.save.paths.vmcore(), request.save.access));
    for (const std::string& doubt : core.doubts())
        report.warning("vmcore: {}", doubt);
    DumpFolder folder = TRY(
        report.on_target(DumpFolder::open_or_create(request.save, core.vmcoreinfo().crash_time(), report)));
    if (request.second_attempt)
        TRY(report.on_target(make_room_for_second(request, folder, report)));
    return write_into(core, request, folder, report);
}

} // namespace lifeboat
