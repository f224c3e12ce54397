// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/machine/replace_file.h"

#include "base/descriptor.h"
#include "base/scope_guard.h"

#include <cstdio>
#include <filesystem>

#include <unistd.h>

namespace lifeboat::host {

namespace {

Result<> sync_to_disk(int fd, std::string_view name) {
    if (::fsync(fd) != 0)
        return fail_system("write '{}' to disk", name);
    return {};
}

Result<> write_new(const std::string& path, std::string_view content, mode_t mode) {
    const Descriptor file = TRY(open_file(path, O_WRONLY | O_CREAT | O_TRUNC, mode));
    TRY(write_all(file.get(), content, path));
    return sync_to_disk(file.get(), path);
}

Result<> sync_folder_of(const std::string& path) {
    const std::string parent = std::filesystem::path(path).parent_path();
    const std::string folder = parent.empty() ? "." : parent;
    const Descriptor opened = TRY(open_file(folder, O_RDONLY | O_DIRECTORY));
    return sync_to_disk(opened.get(), folder);
}

} // namespace

Result<> replace_file(const std::string& path, std::string_view content, mode_t mode) {
    const std::string aside = path + ".new";
    ScopeGuard remove_aside([&aside] { ::unlink(aside.c_str()); });
    TRY(write_new(aside, content, mode));
    if (::rename(aside.c_str(), path.c_str()) != 0)
        return fail_system("rename '{}' to '{}'", aside, path);
    remove_aside.disarm();
    return sync_folder_of(path);
}

} // namespace lifeboat::host
