// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/free_space.h"

#include <sys/statvfs.h>
#include <unistd.h>

namespace lifeboat {

namespace {

Result<FreeSpace> free_space_in(int failed, const struct statvfs& status, const std::string& path) {
    if (failed != 0)
        return fail_system("ask for free space of '{}'", path);
    return FreeSpace{.for_root_bytes = std::uint64_t{status.f_bfree} * status.f_frsize,
                     .for_others_bytes = std::uint64_t{status.f_bavail} * status.f_frsize,
                     .files =
                         status.f_files > 0 ? std::optional<std::uint64_t>(status.f_ffree) : std::nullopt};
}

} // namespace

std::uint64_t FreeSpace::for_this_process_bytes() const {
    return ::geteuid() == 0 ? for_root_bytes : for_others_bytes;
}

Result<FreeSpace> free_space_of(const std::string& path) {
    struct statvfs status{};
    const int failed = ::statvfs(path.c_str(), &status);
    return free_space_in(failed, status, path);
}

Result<FreeSpace> free_space_of(int fd, const std::string& path) {
    struct statvfs status{};
    const int failed = ::fstatvfs(fd, &status);
    return free_space_in(failed, status, path);
}

} // namespace lifeboat
