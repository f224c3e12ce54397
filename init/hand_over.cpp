// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/hand_over.h"

#include "base/descriptor.h"
#include "base/system.h"
#include "stages/run_program.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

namespace lifeboat {

namespace {

// Source: Linux init/main.c, kernel_init().
constexpr const char* usual_inits[] = {"/sbin/init", "/etc/init", "/bin/init"};

// Everything of one file system below an open folder; what else is mounted there stays.
void remove_all_in(int folder_fd, dev_t device) {
    DIR* const folder = ::fdopendir(folder_fd);
    if (folder == nullptr)
        return;
    while (const dirent* const entry = ::readdir(folder)) {
        const std::string_view name = entry->d_name;
        struct stat status{};
        if (name == "." || name == ".." ||
            ::fstatat(folder_fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 || status.st_dev != device)
            continue;
        if (S_ISDIR(status.st_mode))
            if (const int below = ::openat(folder_fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                below >= 0)
                remove_all_in(below, device);
        ::unlinkat(folder_fd, entry->d_name, S_ISDIR(status.st_mode) ? AT_REMOVEDIR : 0);
    }
    ::closedir(folder);
}

// The initrd's memory is given back, which nobody could do later. Only what is an initrd: not what may be a
// disk after all. Source: Linux include/uapi/linux/magic.h.
void remove_initrd(Descriptor root) {
    struct stat status{};
    struct statfs file_system{};
    if (!root.is_open() || ::fstat(root.get(), &status) != 0 || ::fstatfs(root.get(), &file_system) != 0)
        return;
    if (file_system.f_type == RAMFS_MAGIC || file_system.f_type == TMPFS_MAGIC)
        remove_all_in(root.release(), status.st_dev);
}

// Where a folder is missing over there, what was mounted goes: the system mounts it again.
void move_mounts(const SystemPaths& paths) {
    for (const std::string& folder : {paths.dev, paths.proc, paths.sys, paths.run}) {
        const std::string there = paths.mount_point + folder.substr(paths.root.size());
        if (sys::mount(folder.c_str(), there.c_str(), nullptr, MS_MOVE, nullptr) != 0)
            sys::unmount(folder.c_str(), MNT_DETACH);
    }
}

Result<> enter(const SystemPaths& paths) {
    if (::chdir(paths.mount_point.c_str()) != 0)
        return fail_system("enter '{}'", paths.mount_point);
    if (sys::mount(".", "/", nullptr, MS_MOVE, nullptr) != 0)
        return fail_system("move '{}' to '/'", paths.mount_point);
    if (sys::change_root(".") != 0 || ::chdir("/") != 0)
        return fail_system("make '{}' the root folder", paths.mount_point);
    return {};
}

} // namespace

Result<std::string> find_init(const SystemPaths& paths, const std::string& wanted) {
    if (sys::change_root(paths.mount_point.c_str()) != 0)
        return fail_system("enter '{}'", paths.mount_point);
    std::vector<std::string> names(std::begin(usual_inits), std::end(usual_inits));
    if (!wanted.empty())
        names = {wanted};
    for (const std::string& name : names)
        if (::access(name.c_str(), X_OK) == 0)
            return name;
    return fail(ErrorKind::no_data, "the root file system has no init ('{}')", names.front());
}

Error hand_over(const SystemPaths& paths, const NextInit& next) {
    auto old_root = open_file(paths.root + "/", O_RDONLY | O_DIRECTORY);
    move_mounts(paths);
    if (auto entered = enter(paths); !entered)
        return std::move(entered).error();
    remove_initrd(old_root ? *std::move(old_root) : Descriptor());
    reset_signals(); // as the kernel starts an init
    const std::vector<char*> words = words_of(next.path, next.arguments);
    sys::execute(words.data(), environ);
    return system_error(std::format("start '{}'", next.path), errno);
}

} // namespace lifeboat
