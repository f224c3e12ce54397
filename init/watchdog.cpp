// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/watchdog.h"

#include <linux/watchdog.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace lifeboat {

namespace {

constexpr std::int64_t feeding_interval_ms = 1000;

// What the driver calls itself; where it cannot be asked, where it is.
std::string name_of(const Descriptor& device, const std::string& path) {
    watchdog_info info{};
    if (::ioctl(device.get(), WDIOC_GETSUPPORT, &info) != 0)
        return path;
    const char* const identity = reinterpret_cast<const char*>(info.identity);
    return {identity, ::strnlen(identity, sizeof info.identity)};
}

// The seconds that it will count; 0 where it cannot be asked.
int set_timeout(const Descriptor& device, unsigned wanted_s) {
    int seconds = static_cast<int>(wanted_s);
    (void)::ioctl(device.get(), WDIOC_SETTIMEOUT, &seconds); // refused: it has one of its own
    return ::ioctl(device.get(), WDIOC_GETTIMEOUT, &seconds) == 0 ? seconds : 0;
}

} // namespace

void Watchdogs::start_all(const SystemPaths& paths, unsigned timeout_s, Log& log) {
    dev_ = paths.dev;
    timeout_s_ = timeout_s;
    start_new(log);
}

// The kernel numbers them from 0 as their drivers come. /dev/watchdog is the first one's other name, or that
// of a driver that is older than the numbers (ipmi_watchdog).
void Watchdogs::start_new(Log& log) {
    if (timeout_s_ == 0)
        return;
    for (std::string path;
         path = std::format("{}/watchdog{}", dev_, next_number_), ::access(path.c_str(), F_OK) == 0;
         ++next_number_)
        start(path, log);
    if (devices_.empty() && ::access((dev_ + "/watchdog").c_str(), F_OK) == 0)
        start(dev_ + "/watchdog", log);
}

void Watchdogs::start(const std::string& path, Log& log) {
    auto device = open_file(path, O_WRONLY);
    if (!device)
        return log.warning("watchdog: {}, going on without it", device.error().text);
    const int seconds = set_timeout(*device, timeout_s_);
    log.info("watchdog: {} started, it restarts the machine {} after PID 1 has stood still",
             name_of(*device, path), seconds > 0 ? std::format("{} s", seconds) : "some time");
    devices_.push_back(*std::move(device));
}

// Every driver takes a byte for food, few did not know WDIOC_KEEPALIVE.
void Watchdogs::attend(Log& log) {
    if (!next_attention_.has_passed())
        return;
    next_attention_ = Deadline::after_ms(feeding_interval_ms);
    start_new(log);
    for (const Descriptor& device : devices_)
        (void)!::write(device.get(), "\0", 1);
}

std::vector<int> Watchdogs::fds() const {
    std::vector<int> fds;
    for (const Descriptor& device : devices_)
        fds.push_back(device.get());
    return fds;
}

void Watchdogs::put_to_sleep() {
    for (const Descriptor& device : devices_)
        (void)!::write(device.get(), "V", 1); // the "magic close"
    devices_.clear();
    timeout_s_ = 0;
}

} // namespace lifeboat
