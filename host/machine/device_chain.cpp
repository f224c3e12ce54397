// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/machine/device_chain.h"

#include "base/text.h"
#include "stages/list_folder.h"
#include "stages/read_attribute.h"

#include <algorithm>
#include <array>
#include <climits>
#include <cstdlib>
#include <optional>
#include <ranges>

#include <sys/sysmacros.h>
#include <unistd.h>

namespace lifeboat::host {

namespace {

std::string real_path(const std::string& path) {
    std::array<char, PATH_MAX> resolved{};
    return ::realpath(path.c_str(), resolved.data()) == nullptr ? "" : resolved.data();
}

bool exists(const std::string& path) {
    return ::access(path.c_str(), F_OK) == 0;
}

std::string last_name(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}

std::string parent_of(const std::string& path) {
    return path.substr(0, path.rfind('/'));
}

// sysfs cannot have a slash in a name.
std::string name_below_dev(const std::string& folder) {
    std::string name = last_name(folder);
    std::ranges::replace(name, '!', '/');
    return name;
}

std::string link_name(const std::string& link) {
    const std::string target = real_path(link);
    return target.empty() ? "" : last_name(target);
}

std::string join(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names)
        text += (text.empty() ? "" : ", ") + name;
    return text;
}

std::string slaves_of(const std::string& disk) {
    const auto names = list_folder(disk + "/slaves");
    return names && !names->empty() ? " on " + join(*names) : "";
}

constexpr std::string_view for_the_targets =
    "a dump cannot be written through it yet: name a target on a plain disk or "
    "partition";
constexpr std::string_view for_memory = "what is on it is gone after a crash: name a target on a disk";

std::unexpected<Error> refuse(const std::string& disk, std::string_view kind, std::string_view remedy) {
    return fail(ErrorKind::unsupported, "'/dev/{}' is {}, {}", name_below_dev(disk), kind, remedy);
}

// Source: Linux Documentation/ABI/testing/sysfs-block-dm; the prefixes of the users' UUIDs are those of lvm2,
// cryptsetup and multipath-tools.
std::string kind_of_mapping(const std::string& disk) {
    const std::string uuid = read_attribute(disk + "/dm/uuid");
    const std::string name = read_attribute(disk + "/dm/name");
    std::string kind = "a device-mapper device";
    if (uuid.starts_with("LVM-"))
        kind = "an LVM volume";
    else if (uuid.starts_with("CRYPT-"))
        kind = "an encrypted device";
    else if (uuid.contains("mpath-"))
        kind = "a multipath device";
    return std::format("{} ('{}'{})", kind, name, slaves_of(disk));
}

Result<> check_kind(const std::string& disk) {
    if (exists(disk + "/dm"))
        return refuse(disk, kind_of_mapping(disk), for_the_targets);
    if (exists(disk + "/md"))
        return refuse(disk, std::format("a RAID ({}{})", read_attribute(disk + "/md/level"), slaves_of(disk)),
                      for_the_targets);
    if (exists(disk + "/bcache"))
        return refuse(disk, "a bcache device" + slaves_of(disk), for_the_targets);
    const std::string name = last_name(disk);
    if (name.starts_with("loop"))
        return refuse(disk, std::format("a loop device on '{}'", read_attribute(disk + "/loop/backing_file")),
                      "nobody sets it up in the crash kernel: name a target on the disk below it");
    if (name.starts_with("ram") || name.starts_with("zram"))
        return refuse(disk, "memory", for_memory);
    for (const std::string_view prefix : {"nbd", "rbd", "drbd"})
        if (name.starts_with(prefix))
            return refuse(disk, "a disk across the network", for_the_targets);
    if (read_attribute(disk + "/ro") == "1")
        return refuse(disk, "read-only",
                      "a dump cannot be written to it: name a target that can be written to");
    return {};
}

// A step across a network has no driver that an initrd could simply load.
Result<> check_step(const std::string& disk, const std::string& folder) {
    const std::string name = last_name(folder);
    if (name.starts_with("session") && exists(folder + "/iscsi_session"))
        return refuse(disk, "an iSCSI disk", for_the_targets);
    const std::string transport = read_attribute(folder + "/transport");
    if (link_name(folder + "/subsystem") == "nvme" && !transport.empty() && transport != "pcie")
        return refuse(disk, std::format("an NVMe disk across a network ({})", transport), for_the_targets);
    return {};
}

std::optional<DriverStep> read_step(const std::string& folder) {
    const std::string driver = link_name(folder + "/driver");
    if (driver.empty())
        return std::nullopt;
    return DriverStep{.device = last_name(folder),
                      .subsystem = link_name(folder + "/subsystem"),
                      .driver = driver,
                      .module = link_name(folder + "/driver/module"),
                      .modalias = read_attribute(folder + "/modalias")};
}

// Adds what is above `folder` up to `top`, the nearest first.
Result<> climb(const std::string& disk, std::string folder, const std::string& top,
               std::vector<DriverStep>& steps) {
    for (; folder.size() > top.size(); folder = parent_of(folder)) {
        TRY(check_step(disk, folder));
        auto step = read_step(folder);
        if (step && std::ranges::find(steps, *step) == steps.end())
            steps.push_back(*std::move(step));
    }
    return {};
}

// An NVMe disk that could have several paths hangs below a virtual subsystem, which links to its controllers.
// Source: Linux drivers/nvme/host/multipath.c, core.c.
std::vector<std::string> controllers_of(const std::string& subsystem_folder) {
    std::vector<std::string> controllers;
    for (const std::string& name : list_folder(subsystem_folder).value_or(std::vector<std::string>{}))
        if (name.starts_with("nvme") && exists(subsystem_folder + "/" + name + "/transport"))
            controllers.push_back(real_path(subsystem_folder + "/" + name));
    return controllers;
}

Result<std::vector<DriverStep>> collect_steps(const SystemPaths& paths, const std::string& disk) {
    const std::string top = real_path(paths.sys + "/devices");
    std::vector<DriverStep> steps;
    TRY(climb(disk, disk, top, steps));
    if (link_name(parent_of(disk) + "/subsystem") == "nvme-subsystem")
        for (const std::string& controller : controllers_of(parent_of(disk)))
            TRY(climb(disk, controller, top, steps));
    std::ranges::reverse(steps);
    return steps;
}

} // namespace

Result<DeviceChain> follow_device(const SystemPaths& paths, dev_t device) {
    const std::string link = std::format("{}/dev/block/{}:{}", paths.sys, major(device), minor(device));
    const std::string folder = real_path(link);
    if (folder.empty())
        return fail(ErrorKind::no_data, "follow '{}': no such block device", link);
    const std::string disk = exists(folder + "/partition") ? parent_of(folder) : folder;
    TRY(check_kind(disk));
    DeviceChain chain{.name = name_below_dev(folder), .disk = name_below_dev(disk)};
    chain.drivers = TRY(collect_steps(paths, disk));
    if (chain.drivers.empty())
        return refuse(disk, "driven by nothing that sysfs names", for_the_targets);
    return chain;
}

std::vector<DriverStep> follow_drivers(const SystemPaths& paths, const std::string& folder) {
    const std::string top = real_path(paths.sys + "/devices");
    std::vector<DriverStep> steps;
    for (std::string place = real_path(folder); place.size() > top.size(); place = parent_of(place))
        if (auto step = read_step(place))
            steps.push_back(*std::move(step));
    std::ranges::reverse(steps);
    return steps;
}

std::string describe(const DeviceChain& chain) {
    std::string text =
        chain.name == chain.disk ? chain.name : std::format("{} on {}", chain.name, chain.disk);
    for (const DriverStep& step : chain.drivers | std::views::reverse)
        text += std::format(", {} ({})", step.driver, step.device);
    return text;
}

} // namespace lifeboat::host
