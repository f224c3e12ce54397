// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/console.h"

#include "base/log.h"
#include "stages/device_node.h"

#include <poll.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace lifeboat {

namespace {

// Numbers: Linux Documentation/admin-guide/devices.txt.
Result<Descriptor> open_device(const SystemPaths& paths, const char* name, unsigned major, unsigned minor) {
    const std::string node = TRY(device_node(paths, name, S_IFCHR, makedev(major, minor)));
    return open_file(node, O_WRONLY | O_NOCTTY | O_NONBLOCK);
}

} // namespace

Console Console::open(const SystemPaths& paths) {
    if (auto console = open_device(paths, "console", 5, 1))
        return Console(*std::move(console), Kind::terminal);
    if (auto kernel_log = open_device(paths, "kmsg", 1, 11))
        return Console(*std::move(kernel_log), Kind::kernel_log);
    return Console(Descriptor(), Kind::terminal);
}

void Console::write_line(std::string_view line) {
    if (!device_.is_open())
        return;
    std::string text;
    if (dropped_lines_ > 0)
        text = std::format("lifeboat: ({} lines were not shown, the console was too slow)\n", dropped_lines_);
    text += std::format("lifeboat: {}\n", printable(line));
    if (queue_.size() + text.size() > queue_limit_bytes) {
        ++dropped_lines_;
        return;
    }
    dropped_lines_ = 0;
    queue_ += text;
    write_pending();
}

void Console::write_pending() {
    while (!queue_.empty()) {
        // One write(2) to /dev/kmsg is one record of the kernel's log.
        const std::size_t wanted = kind_ == Kind::kernel_log ? queue_.find('\n') + 1 : queue_.size();
        const ssize_t count = ::write(device_.get(), queue_.data(), wanted);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && errno != EAGAIN)
            queue_.clear(); // a device that is gone takes nothing ever
        if (count <= 0)
            return;
        queue_.erase(0, static_cast<std::size_t>(count));
    }
}

void Console::flush(std::int64_t patience_ms, Deadline deadline) {
    for (write_pending(); has_pending(); write_pending()) {
        pollfd device{.fd = fd(), .events = POLLOUT, .revents = 0};
        if (::poll(&device, 1, deadline.poll_timeout_ms(patience_ms)) <= 0)
            return;
    }
}

} // namespace lifeboat
