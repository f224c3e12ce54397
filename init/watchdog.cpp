// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/watchdog.h"

#include <linux/watchdog.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace lifeboat {

Watchdog Watchdog::open(const SystemPaths& paths, int timeout_s) {
    auto device = open_file(paths.dev + "/watchdog0", O_WRONLY);
    if (!device)
        return {};
    (void)::ioctl(device->get(), WDIOC_SETTIMEOUT, &timeout_s); // it may know better
    return Watchdog(*std::move(device));
}

void Watchdog::feed() {
    if (!is_there() || !next_feed_.has_passed())
        return;
    (void)::ioctl(device_.get(), WDIOC_KEEPALIVE, 0);
    next_feed_ = Deadline::after_ms(1000);
}

void Watchdog::put_to_sleep() {
    if (!is_there())
        return;
    (void)!::write(device_.get(), "V", 1); // the "magic close"
    device_.reset();
}

} // namespace lifeboat
