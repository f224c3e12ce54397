// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/machine/known_devices.h"

#include "base/descriptor.h"
#include "base/text.h"

#include <sys/sysmacros.h>

namespace lifeboat::host {

namespace {

// udev's "\x20". Whatever is none of these stays as it is.
std::string decode_udev(std::string_view text) {
    std::string plain;
    while (!text.empty()) {
        const auto byte = text.starts_with("\\x") && text.size() >= 4 ? parse_unsigned(text.substr(2, 2), 16)
                                                                      : std::nullopt;
        plain += byte ? static_cast<char>(*byte) : text.front();
        text.remove_prefix(byte ? 4 : 1);
    }
    return plain;
}

std::string record_path(const SystemPaths& paths, dev_t number) {
    return std::format("{}/udev/data/b{}:{}", paths.run, major(number), minor(number));
}

DeviceTags tags_of(const SystemPaths& paths, const BlockDevice& device, DeviceView view) {
    if (view == DeviceView::known)
        if (const auto record = read_file(record_path(paths, device.number)))
            return parse_udev_record(*record);
    return probe_node(paths.dev + "/" + device.name);
}

} // namespace

DeviceTags parse_udev_record(std::string_view text) {
    DeviceTags tags;
    const std::pair<std::string_view, std::string&> fields[] = {{"E:ID_FS_TYPE", tags.type},
                                                                {"E:ID_FS_UUID_ENC", tags.uuid},
                                                                {"E:ID_FS_LABEL_ENC", tags.label},
                                                                {"E:ID_PART_ENTRY_UUID", tags.part_uuid},
                                                                {"E:ID_PART_ENTRY_NAME", tags.part_label}};
    for (const std::string_view line : split_lines(text)) {
        const auto pair = split_key_value(line);
        for (const auto& [key, field] : fields)
            if (pair && pair->key == key)
                field = decode_udev(pair->value);
    }
    return tags;
}

std::vector<KnownDevice> known_devices(const SystemPaths& paths, DeviceView view) {
    std::vector<KnownDevice> known;
    for (BlockDevice& device : list_block_devices(paths)) {
        DeviceTags tags = tags_of(paths, device, view);
        add_kernels_names(tags, device);
        known.push_back({std::move(device), std::move(tags)});
    }
    return known;
}

} // namespace lifeboat::host
