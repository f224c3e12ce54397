// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/early_descriptors.h"

#include <initializer_list>

#include <fcntl.h>

namespace lifeboat {

namespace {

// The lowest free descriptor is the one that is missing. "/" always opens; what is written to it is refused.
int open_anything() {
    for (const char* path : {"/dev/console", "/dev/null"})
        if (const int fd = ::open(path, O_RDWR | O_NOCTTY | O_NONBLOCK); fd >= 0)
            return fd;
    return ::open("/", O_RDONLY | O_DIRECTORY);
}

} // namespace

void open_standard_descriptors() {
    for (int fd = 0; fd <= 2; ++fd)
        if (::fcntl(fd, F_GETFD) < 0 && open_anything() < 0)
            return;
}

} // namespace lifeboat
