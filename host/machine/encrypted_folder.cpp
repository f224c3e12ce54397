// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/machine/encrypted_folder.h"

#include "base/descriptor.h"

#include <cerrno>
#include <filesystem>

#include <linux/fs.h>
#include <sys/ioctl.h>

namespace lifeboat::host {

// Source: ioctl_iflags(2), FS_ENCRYPT_FL; new folders have the policy of the one they are made in, Linux
// Documentation/filesystems/fscrypt.rst.
bool is_encrypted_folder(const std::string& path) {
    std::filesystem::path place = path;
    auto folder = open_file(place, O_RDONLY | O_DIRECTORY);
    while (!folder && folder.error().os_error == ENOENT && place.has_relative_path()) {
        place = place.parent_path();
        folder = open_file(place, O_RDONLY | O_DIRECTORY);
    }
    int flags = 0;
    return folder && ::ioctl(folder->get(), FS_IOC_GETFLAGS, &flags) == 0 && (flags & FS_ENCRYPT_FL) != 0;
}

} // namespace lifeboat::host
