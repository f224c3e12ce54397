// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/uevent.h"

#include "base/system.h"
#include "base/text.h"

#include <array>

#include <linux/netlink.h>
#include <sys/socket.h>

namespace lifeboat {

namespace {

void set_field(Uevent& event, std::string_view key, std::string_view value) {
    if (key == "ACTION")
        event.action = value;
    else if (key == "DEVPATH")
        event.device_path = value;
    else if (key == "SUBSYSTEM")
        event.subsystem = value;
    else if (key == "DEVNAME")
        event.device_name = value;
    else if (key == "MODALIAS")
        event.modalias = value;
}

std::string_view take_string(std::string_view& rest) {
    const std::size_t end = rest.find('\0');
    const std::string_view string = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    return string;
}

} // namespace

std::optional<Uevent> parse_uevent(std::string_view message) {
    if (!take_string(message).contains('@'))
        return std::nullopt;
    Uevent event;
    while (!message.empty())
        if (const auto field = split_key_value(take_string(message)))
            set_field(event, field->key, field->value);
    if (event.action.empty() || event.device_path.empty())
        return std::nullopt;
    return event;
}

Result<UeventSocket> UeventSocket::open() {
    const int fd = sys::open_uevents();
    if (fd < 0)
        return fail_system("open the uevent socket");
    return UeventSocket(Descriptor(fd));
}

UeventSocket::Batch UeventSocket::take_all() {
    Batch batch;
    std::array<char, 8192> buffer; // the kernel's own limit is 2048 (UEVENT_BUFFER_SIZE)
    // Bounded, so that a storm of events leaves time to look at the clock.
    for (int count = 0; count < 1000; ++count) {
        sockaddr_nl sender{};
        socklen_t sender_size = sizeof sender;
        const ssize_t bytes = ::recvfrom(socket_.get(), buffer.data(), buffer.size(), 0,
                                         reinterpret_cast<sockaddr*>(&sender), &sender_size);
        if (bytes < 0 && errno == EINTR)
            continue;
        if (bytes < 0) {
            batch.some_lost |= errno == ENOBUFS;
            return batch;
        }
        const bool from_kernel = sender_size < sizeof sender || sender.nl_pid == 0;
        auto event = parse_uevent({buffer.data(), static_cast<std::size_t>(bytes)});
        if (from_kernel && event)
            batch.events.push_back(*std::move(event));
    }
    batch.some_lost = true;
    return batch;
}

} // namespace lifeboat
