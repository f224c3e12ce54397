// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/finish_dump.h"

#include "base/system.h"
#include "stages/dump_files.h"

#include <optional>

#include <sys/mount.h>

namespace lifeboat {

namespace {

Result<> write_log(DumpFolder& folder, const std::string& text) {
    const Descriptor file = TRY(folder.create_file(boat_log_working_name));
    TRY(write_all(file.get(), text, boat_log_working_name));
    return folder.complete_file(file, boat_log_working_name, boat_log_name);
}

Result<> sync_target(const SystemPaths& paths) {
    const Descriptor root = TRY(open_file(paths.mount_point, O_RDONLY | O_DIRECTORY));
    if (sys::sync_file_system(root.get()) != 0)
        return fail_system("sync the target");
    return {};
}

Result<> unmount_target(const SystemPaths& paths) {
    if (sys::unmount(paths.mount_point.c_str(), UMOUNT_NOFOLLOW) != 0)
        return fail_system("unmount the target");
    return {};
}

// Keeps the first failure.
class Steps {
public:
    explicit Steps(Log& log)
        : log_(log) {}

    void add(Result<> outcome, std::string_view instead) {
        if (outcome)
            return;
        log_.warning("finish: {}, {}", outcome.error().text, instead);
        if (!first_)
            first_ = std::move(outcome).error();
    }
    Result<> result() {
        if (first_)
            return fail(*std::move(first_));
        return {};
    }

private:
    Log& log_;
    std::optional<Error> first_;
};

void work_in_folder(const FinishRequest& request, Steps& steps) {
    auto folder = DumpFolder::open(request.save);
    if (!folder)
        return steps.add(fail(folder.error()), "leaving no lifeboat.log");
    steps.add(write_log(*folder, request.log_text), "leaving none that is complete");
}

} // namespace

Result<> finish_dump(const FinishRequest& request, Log& log) {
    Steps steps(log);
    if (!request.save.folder.empty())
        work_in_folder(request, steps);
    steps.add(sync_target(request.save.paths), "unmounting all the same");
    steps.add(unmount_target(request.save.paths), "leaving it mounted");
    return steps.result();
}

} // namespace lifeboat
