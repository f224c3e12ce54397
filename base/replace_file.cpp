// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/replace_file.h"

#include "base/descriptor.h"
#include "base/scope_guard.h"

#include <cstdio>
#include <cstdlib>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lifeboat {

namespace {

// Two that write the same file at once do not meet: each has a name of its own until one is the last.
Result<Descriptor> create_aside(const std::string& path, std::string& pattern) {
    Descriptor file(::mkostemp(pattern.data(), O_CLOEXEC));
    if (!file.is_open())
        return fail_system("create a file beside '{}'", path);
    return file;
}

Result<> fill(const Descriptor& file, std::string_view content, mode_t mode, const std::string& name) {
    TRY(write_all(file.get(), content, name));
    if (::fchmod(file.get(), mode) != 0)
        return fail_system("set the mode of '{}'", name);
    if (::fsync(file.get()) != 0)
        return fail_system("sync '{}'", name);
    return {};
}

} // namespace

std::string folder_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos)
        return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

Result<> sync_folder(const std::string& path) {
    const Descriptor folder = TRY(open_file(path, O_RDONLY | O_DIRECTORY));
    if (::fsync(folder.get()) != 0)
        return fail_system("sync '{}'", path);
    return {};
}

Result<> replace_file(const std::string& path, std::string_view content, mode_t mode) {
    std::string aside = path + ".incomplete-XXXXXX";
    const Descriptor file = TRY(create_aside(path, aside));
    ScopeGuard remove([&] { ::unlink(aside.c_str()); });
    TRY(fill(file, content, mode, aside));
    if (::rename(aside.c_str(), path.c_str()) != 0)
        return fail_system("rename '{}' to '{}'", aside, path);
    remove.disarm();
    return sync_folder(folder_of(path));
}

} // namespace lifeboat
