// SPDX-License-Identifier: GPL-2.0-or-later
// The dump's folder on the mounted target: PATH/<UTC time>-<host>/, mode 0700, files 0600. docs/formats.md
// has the names. A file has its final name when it is complete and on disk: complete_file() is the only way
// to it. No symbolic link on the target is followed.
#pragma once

#include "base/descriptor.h"
#include "base/result.h"
#include "stages/plan.h"
#include "stages/stage_report.h"
#include "stages/system_paths.h"
#include "vmcore/core_file.h"

#include <cstdint>
#include <optional>
#include <string>

namespace lifeboat {

// What the save stages are told. `folder` is empty until one of them has made it.
struct SaveRequest {
    SystemPaths paths;
    std::string target_path; // Target::path
    std::string host;
    std::string folder;
    CoreAccess access = CoreAccess::map;
    bool removes_older = false; // dumps, where there is no room (make_room.h)
};

// "20250131T235959Z-host": of the host's name letters, digits, '.', '_' and '-' stay, at most 64 of them.
std::string dump_folder_name(std::int64_t seconds_since_1970, std::string_view host);

// When it crashed: what VMCOREINFO says where that can be true, else now.
std::int64_t choose_crash_time(std::optional<std::int64_t> said, std::int64_t now);

class DumpFolder {
public:
    // Makes the target's path as far as it is missing and in it a new folder; "-2", "-3", ... where the name
    // is taken.
    static Result<DumpFolder> create(const SaveRequest& request, std::int64_t crash_time);
    static Result<DumpFolder> open(const SaveRequest& request);

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] int fd() const { return folder_.get(); }

    // A new file, open for reading and writing; fails where there is one of that name.
    Result<Descriptor> create_file(const std::string& name) const;
    // fsync, rename, fsync of the folder.
    Result<> complete_file(const Descriptor& file, const std::string& from, const std::string& to);
    // Gone already is fine.
    Result<> remove_file(const std::string& name) const;
    Result<> rename_file(const std::string& from, const std::string& to);
    // Nothing when there is no such file.
    [[nodiscard]] std::optional<std::uint64_t> size_of(const std::string& name) const;
    // For this process; 0 where the file system does not tell.
    [[nodiscard]] std::uint64_t free_bytes() const;

    // The request's folder, or where it names none a new one, of the time that the core tells; the fact
    // `folder`.
    static Result<DumpFolder> open_or_create(const SaveRequest& request,
                                             std::optional<std::int64_t> said_time, StageReport& report);

private:
    DumpFolder(std::string name, Descriptor folder)
        : name_(std::move(name))
        , folder_(std::move(folder)) {}

    std::string name_;
    Descriptor folder_;
};

} // namespace lifeboat
