// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/mount_early_file_systems.h"

#include "base/result.h"
#include "base/system.h"

#include <optional>

#include <sys/mount.h>
#include <sys/stat.h>

namespace lifeboat {

namespace {

struct EarlyMount {
    const std::string& folder;
    const char* type;
    unsigned long flags;
    const char* options;
    const char* instead; // what happens without it
};

// Another device number than its parent's: the test that needs no /proc.
bool is_mount_point(const std::string& folder) {
    struct stat own{}, parent{};
    return ::stat(folder.c_str(), &own) == 0 && ::stat((folder + "/..").c_str(), &parent) == 0 &&
           own.st_dev != parent.st_dev;
}

std::optional<std::string> mount_one(const EarlyMount& wanted) {
    if (is_mount_point(wanted.folder))
        return std::nullopt;
    ::mkdir(wanted.folder.c_str(), 0755); // whether it is there now, mount(2) says
    if (sys::mount(wanted.type, wanted.folder.c_str(), wanted.type, wanted.flags, wanted.options) == 0)
        return std::nullopt;
    const Error error = system_error(std::format("mount {} on '{}'", wanted.type, wanted.folder));
    return std::format("{}, {}", error.text, wanted.instead);
}

} // namespace

std::vector<std::string> mount_early_file_systems(const SystemPaths& paths) {
    constexpr unsigned long harmless = MS_NOSUID | MS_NOEXEC | MS_NODEV;
    const EarlyMount mounts[] = {
        {paths.proc, "proc", harmless, nullptr, "going on without it"},
        {paths.sys, "sysfs", harmless, nullptr, "going on without it"},
        {paths.dev, "devtmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755", "making device nodes by hand"},
    };
    std::vector<std::string> complaints;
    for (const EarlyMount& wanted : mounts)
        if (auto complaint = mount_one(wanted))
            complaints.push_back(*std::move(complaint));
    return complaints;
}

} // namespace lifeboat
