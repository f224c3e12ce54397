// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/machine/lock_folder.h"

#include <sys/file.h>

namespace lifeboat::host {

Result<Descriptor> lock_folder(const std::string& folder) {
    Descriptor lock = TRY(open_file(folder, O_RDONLY | O_DIRECTORY));
    if (::flock(lock.get(), LOCK_EX) != 0)
        return fail_system("lock '{}'", folder);
    return lock;
}

} // namespace lifeboat::host
