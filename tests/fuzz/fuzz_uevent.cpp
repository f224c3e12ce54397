// SPDX-License-Identifier: GPL-2.0-or-later
// An event of the kernel's, and a record of udev's: both come from outside as texts of KEY=VALUE.
#include "host/machine/known_devices.h"
#include "stages/uevent.h"

#include <cstddef>
#include <cstdint>

using namespace lifeboat;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    if (const auto event = parse_uevent(input)) {
        if (event->action.empty() || event->device_path.empty())
            __builtin_trap();
        for (const std::string* field :
             {&event->action, &event->device_path, &event->subsystem, &event->device_name, &event->modalias})
            if (field->find('\0') != std::string::npos)
                __builtin_trap();
    }
    const DeviceTags tags = host::parse_udev_record(input);
    if (tags.type.size() + tags.uuid.size() + tags.label.size() + tags.part_uuid.size() +
            tags.part_label.size() >
        input.size())
        __builtin_trap();
    return 0;
}
