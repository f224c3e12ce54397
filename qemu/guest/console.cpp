// SPDX-License-Identifier: GPL-2.0-or-later
#include "qemu/guest/console.h"

#include "base/descriptor.h"

#include <cerrno>
#include <cstring>

#include <sys/reboot.h>
#include <unistd.h>

namespace guest {

void say(std::string_view text) {
    const std::string line = std::format("guest: {}\n", text);
    auto log = lifeboat::open_file("/dev/kmsg", O_WRONLY);
    if (log && lifeboat::write_all(log->get(), line, "/dev/kmsg"))
        return;
    // Before /dev is mounted there is only what the kernel opened for us.
    [[maybe_unused]] auto survived = lifeboat::write_all(STDOUT_FILENO, line, "console");
}

void give_up(std::string_view why) {
    say("gives up: {}", why);
    reboot_now();
}

void reboot_now() {
    reboot(RB_AUTOBOOT);
    for (;;)
        pause();
}

long must_call(long answer, std::string_view what) {
    if (answer < 0)
        give_up(std::format("{}: {}", what, std::strerror(errno)));
    return answer;
}

} // namespace guest
