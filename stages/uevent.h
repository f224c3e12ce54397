// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel's notes about devices that come, change and go.
// Source: Linux lib/kobject_uevent.c: "ACTION@DEVPATH", then KEY=VALUE strings, each ended by a zero byte.
#pragma once

#include "base/descriptor.h"
#include "base/result.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lifeboat {

struct Uevent {
    std::string action;
    std::string device_path; // below /sys
    std::string subsystem;
    std::string device_name; // below /dev
    std::string modalias;
};

// Nothing when it is not an event of the kernel's form.
std::optional<Uevent> parse_uevent(std::string_view message);

class UeventSocket {
public:
    // Open it before looking at what is there: nothing falls between the two then.
    static Result<UeventSocket> open();

    [[nodiscard]] int fd() const { return socket_.get(); }

    struct Batch {
        std::vector<Uevent> events;
        bool some_lost = false; // the socket's buffer was too small: look at everything again
    };
    // What has come; never waits.
    Batch take_all();

private:
    explicit UeventSocket(Descriptor socket)
        : socket_(std::move(socket)) {}
    Descriptor socket_;
};

} // namespace lifeboat
