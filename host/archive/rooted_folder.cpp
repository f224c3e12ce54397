// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/archive/rooted_folder.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace lifeboat::host {

Result<RootedFolder> RootedFolder::open(const std::string& path) {
    return RootedFolder(TRY(open_file(path, O_PATH | O_DIRECTORY)));
}

// Neither musl nor glibc wraps openat2(2).
Result<Descriptor> RootedFolder::open_below(const std::string& path, int flags) const {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags) | O_CLOEXEC;
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    const char* const name = path.empty() ? "." : path.c_str();
    for (;;) {
        const long fd = ::syscall(SYS_openat2, root_.get(), name, &how, sizeof how);
        if (fd >= 0)
            return Descriptor(static_cast<int>(fd));
        // EAGAIN: something was renamed meanwhile, and where ".." leads could not be told.
        if (errno != EINTR && errno != EAGAIN)
            return fail_system("open '{}'", path);
    }
}

Result<Descriptor> RootedFolder::open_or_make_folder(const std::string& path) const {
    auto folder = open_below(path, O_PATH | O_DIRECTORY);
    if (folder || folder.error().os_error != ENOENT)
        return folder;
    const RootedName place = TRY(place_for(path));
    if (::mkdirat(place.folder.get(), place.name.c_str(), 0755) != 0)
        return fail_system("make the folder '{}'", path);
    return open_below(path, O_PATH | O_DIRECTORY);
}

Result<RootedName> RootedFolder::place_for(const std::string& path) const {
    const std::size_t slash = path.rfind('/');
    std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
    if (name == ".." || name == "." || name.empty())
        return fail(ErrorKind::invalid, "make '{}': not a name", path);
    Descriptor folder = TRY(open_or_make_folder(slash == std::string::npos ? "" : path.substr(0, slash)));
    return RootedName{std::move(folder), std::move(name)};
}

} // namespace lifeboat::host
