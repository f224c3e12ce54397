// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/block_devices.h"

#include "base/descriptor.h"
#include "base/log.h"
#include "base/text.h"
#include "stages/device_node.h"
#include "stages/list_folder.h"
#include "stages/read_attribute.h"

#include <algorithm>
#include <memory>

#include <blkid/blkid.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace lifeboat {

namespace {

bool is_of_no_use(std::string_view name) {
    constexpr std::string_view prefixes[] = {"ram", "zram", "loop", "fd", "nbd"};
    return std::ranges::any_of(prefixes, [&](std::string_view prefix) { return name.starts_with(prefix); });
}

void read_partition_names(const std::string& folder, BlockDevice& device) {
    const std::string text = read_file(folder + "/uevent").value_or("");
    for (const std::string_view line : split_lines(text)) {
        const auto field = split_key_value(line);
        if (field && field->key == "PARTUUID")
            device.part_uuid = field->value;
        if (field && field->key == "PARTNAME")
            device.part_label = field->value;
    }
}

std::optional<BlockDevice> read_block_device(const std::string& folder, std::string name) {
    std::ranges::replace(name, '!', '/'); // sysfs cannot have a slash in a name
    const auto number = parse_device_number(read_attribute(folder + "/dev"));
    const auto sectors = parse_unsigned(read_attribute(folder + "/size"));
    if (!number || !sectors || *sectors == 0)
        return std::nullopt;
    BlockDevice device{.name = std::move(name), .number = *number, .size_bytes = *sectors * 512};
    read_partition_names(folder, device);
    return device;
}

struct ReleaseProbe {
    void operator()(blkid_probe probe) const { ::blkid_free_probe(probe); }
};
using Probe = std::unique_ptr<std::remove_pointer_t<blkid_probe>, ReleaseProbe>;

std::string value_of(const Probe& probe, const char* name) {
    const char* data = nullptr;
    if (::blkid_probe_lookup_value(probe.get(), name, &data, nullptr) != 0 || data == nullptr)
        return {};
    return data;
}

std::string probe_into(DeviceTags& tags, int fd) {
    const Probe probe(::blkid_new_probe());
    tags.is_unreadable = true;
    if (!probe || ::blkid_probe_set_device(probe.get(), fd, 0, 0) != 0)
        return "cannot be probed";
    ::blkid_probe_enable_superblocks(probe.get(), 1);
    ::blkid_probe_set_superblocks_flags(probe.get(),
                                        BLKID_SUBLKS_LABEL | BLKID_SUBLKS_UUID | BLKID_SUBLKS_TYPE);
    ::blkid_probe_enable_partitions(probe.get(), 1);
    ::blkid_probe_set_partitions_flags(probe.get(), BLKID_PARTS_ENTRY_DETAILS);
    errno = 0;
    const int outcome = ::blkid_do_safeprobe(probe.get());
    tags.is_unreadable = outcome == -1;
    if (outcome == -2)
        return "more than one file system claims it";
    if (outcome < 0)
        return system_error("cannot be read", errno ? errno : EIO).text;
    tags.type = value_of(probe, "TYPE");
    tags.uuid = value_of(probe, "UUID");
    tags.label = value_of(probe, "LABEL");
    tags.journal_uuid = value_of(probe, "EXT_JOURNAL");
    tags.part_uuid = value_of(probe, "PART_ENTRY_UUID");
    tags.part_label = value_of(probe, "PART_ENTRY_NAME");
    return {};
}

bool same_uuid(const std::string& one, const std::string& other) {
    return !one.empty() && ::strcasecmp(one.c_str(), other.c_str()) == 0;
}

} // namespace

std::optional<dev_t> parse_device_number(std::string_view text) {
    const auto cut = split_key_value(text, ':');
    const auto major = cut ? parse_unsigned(cut->key) : std::nullopt;
    const auto minor = cut ? parse_unsigned(cut->value) : std::nullopt;
    if (!major || !minor)
        return std::nullopt;
    return makedev(static_cast<unsigned>(*major), static_cast<unsigned>(*minor));
}

std::vector<BlockDevice> list_block_devices(const SystemPaths& paths) {
    std::vector<BlockDevice> devices;
    const std::string folder = paths.sys + "/class/block";
    for (const std::string& name : list_folder(folder).value_or(std::vector<std::string>{}))
        if (!is_of_no_use(name))
            if (auto device = read_block_device(std::format("{}/{}", folder, name), name))
                devices.push_back(*std::move(device));
    return devices;
}

DeviceTags probe_node(const std::string& node) {
    DeviceTags tags;
    const auto file = open_file(node, O_RDONLY | O_NONBLOCK);
    tags.trouble = file ? probe_into(tags, file->get()) : file.error().text;
    tags.is_unreadable |= !file;
    return tags;
}

void add_kernels_names(DeviceTags& tags, const BlockDevice& device) {
    if (tags.part_uuid.empty())
        tags.part_uuid = device.part_uuid;
    if (tags.part_label.empty())
        tags.part_label = device.part_label;
}

DeviceTags probe_device(const SystemPaths& paths, const BlockDevice& device) {
    const auto node = device_node(paths, device.name, S_IFBLK, device.number);
    DeviceTags tags =
        node ? probe_node(*node) : DeviceTags{.trouble = node.error().text, .is_unreadable = true};
    add_kernels_names(tags, device);
    return tags;
}

bool matches(const Target& target, const BlockDevice& device, const DeviceTags& tags) {
    switch (target.tag) {
    case TargetTag::uuid:
        return same_uuid(tags.uuid, target.name);
    case TargetTag::label:
        return tags.label == target.name;
    case TargetTag::part_uuid:
        return same_uuid(tags.part_uuid, target.name);
    case TargetTag::part_label:
        return tags.part_label == target.name;
    case TargetTag::device_path:
        return "/dev/" + device.name == target.name;
    }
    return false;
}

std::string describe(const BlockDevice& device, const DeviceTags& tags) {
    std::string text = std::format("/dev/{}: {} bytes,", device.name, device.size_bytes);
    const std::pair<const char*, const std::string&> fields[] = {{"TYPE", tags.type},
                                                                 {"UUID", tags.uuid},
                                                                 {"LABEL", tags.label},
                                                                 {"PARTUUID", tags.part_uuid},
                                                                 {"PARTLABEL", tags.part_label}};
    const std::size_t bare = text.size();
    for (const auto& [name, value] : fields)
        if (!value.empty())
            text += std::format(" {}={}", name, value);
    if (!tags.trouble.empty())
        text += " " + tags.trouble;
    else if (text.size() == bare)
        text += " no tags";
    return text;
}

} // namespace lifeboat
