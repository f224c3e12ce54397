// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/machine/target_place.h"

#include "base/text.h"
#include "host/machine/crash_mount_options.h"
#include "host/machine/encrypted_folder.h"
#include "host/machine/mount_table.h"
#include "host/machine/resolved_path.h"
#include "host/machine/unfit_file_system.h"
#include "stages/list_folder.h"
#include "stages/read_attribute.h"

#include <algorithm>
#include <optional>

#include <sys/sysmacros.h>

namespace lifeboat::host {

namespace {

std::string names_of(const std::vector<const KnownDevice*>& devices) {
    std::string text;
    for (const KnownDevice* one : devices)
        text += std::format("{}/dev/{}", text.empty() ? "" : " and ", one->device.name);
    return text;
}

class Location {
public:
    Location(const SystemPaths& paths, std::string_view text, DeviceView view)
        : paths_(paths)
        , text_(text)
        , view_(view) {}

    Result<TargetPlace> find() {
        TRY(look());
        const auto words = split_words(text_);
        if (const auto folder = folder_named(); !folder.empty())
            return of_folder(folder);
        return of_source(words.size() > 3);
    }

    // Where the dumps are seen, whatever else may be wrong with the target.
    Result<std::string> find_folder() {
        if (const auto folder = folder_named(); !folder.empty())
            return resolve_path(paths_.root, folder);
        TRY(look());
        const Target target = TRY(parse_target(text_));
        const dev_t device = TRY(device_of(target));
        if (std::string folder = seen_at(device, target.path); !folder.empty())
            return folder;
        return fail(ErrorKind::no_data, "'{}' is not mounted where '{}' on it would be seen", target.source(),
                    target.path);
    }

private:
    Result<> look() {
        probed_ = known_devices(paths_, view_);
        mounts_ = TRY(read_mount_table(paths_));
        return {};
    }
    // Empty where it names a device.
    [[nodiscard]] std::string folder_named() const {
        const auto words = split_words(text_);
        return words.size() == 1 && words[0].starts_with('/') ? decode_octal(words[0]) : std::string();
    }

    Result<TargetPlace> of_folder(const std::string& folder);
    Result<TargetPlace> of_source(bool has_options);

    [[nodiscard]] Result<dev_t> device_of(const MountEntry& mount) const;
    [[nodiscard]] Result<dev_t> device_named(const std::string& path) const;
    [[nodiscard]] Result<dev_t> device_of(const Target& target) const;
    [[nodiscard]] bool is_on(const MountEntry& mount, dev_t device) const;
    [[nodiscard]] std::string seen_at(dev_t device, std::string_view path) const;
    [[nodiscard]] const MountEntry* mount_of(dev_t device) const;
    [[nodiscard]] std::vector<const KnownDevice*> matching(const Target& target) const;
    [[nodiscard]] const KnownDevice* probed(dev_t device) const;

    [[nodiscard]] Result<> check_mount(const MountEntry& mount, const std::string& folder) const;
    [[nodiscard]] Result<> check_not_encrypted(const std::string& folder) const;
    [[nodiscard]] Result<> check_unambiguous(const Target& target) const;
    [[nodiscard]] Result<> check_content(const KnownDevice& found) const;
    [[nodiscard]] Result<> check_single_device(const Target& target, dev_t device) const;
    [[nodiscard]] Result<> name_by_content(Target& target, dev_t device) const;
    Result<TargetPlace> complete(Target target, dev_t device, const MountEntry* mount, bool has_options);

    const SystemPaths& paths_;
    std::string_view text_;
    DeviceView view_;
    std::vector<KnownDevice> probed_;
    std::vector<MountEntry> mounts_;
};

std::string_view name_of_device(const std::string& path) {
    return std::string_view(path).substr(path.find("/dev/") + 5);
}

// "/dev/mapper/a" and "/dev/disk/by-path/x" are links to what sysfs names.
Result<dev_t> Location::device_named(const std::string& path) const {
    const std::string resolved = TRY(resolve_path(paths_.root, path));
    if (!resolved.starts_with("/dev/"))
        return fail(ErrorKind::no_data, "'{}' is not a device: it leads to '{}'", path, resolved);
    std::string name(name_of_device(resolved));
    std::ranges::replace(name, '/', '!');
    const auto number =
        parse_device_number(read_attribute(std::format("{}/class/block/{}/dev", paths_.sys, name)));
    if (!number)
        return fail(ErrorKind::no_data, "there is no block device '{}'", path);
    return *number;
}

// btrfs has a device number of its own for each subvolume, and names the disk as its source.
Result<dev_t> Location::device_of(const MountEntry& mount) const {
    if (major(mount.device) != 0)
        return mount.device;
    if (mount.source.starts_with("/dev/"))
        return device_named(mount.source);
    return fail(ErrorKind::unsupported,
                "it is on {} ('{}'), which is on no block device: name a folder on a disk", mount.type,
                mount.source);
}

Result<dev_t> Location::device_of(const Target& target) const {
    if (target.tag == TargetTag::device_path)
        return device_named(target.name);
    const auto found = matching(target);
    if (found.empty())
        return fail(ErrorKind::no_data, "no block device has {}: 'blkid' lists those that are there",
                    target.source());
    return found.front()->device.number;
}

bool Location::is_on(const MountEntry& mount, dev_t device) const {
    const bool names_device = major(mount.device) != 0 || mount.source.starts_with("/dev/");
    const auto number = names_device ? device_of(mount) : Result<dev_t>(fail(ErrorKind::no_data, "none"));
    return number && *number == device;
}

const MountEntry* Location::mount_of(dev_t device) const {
    const MountEntry* best = nullptr;
    for (const MountEntry& mount : mounts_)
        // One that shows all of the file system tells most of it.
        if (is_on(mount, device) && (best == nullptr || (best->root != "/" && mount.root == "/")))
            best = &mount;
    return best;
}

// Where a path of the file system is seen here: of a mount, of a subvolume, of a folder that is bound to
// another place; empty: nowhere. What is mounted over it hides it, so a mount counts only where a walk comes
// to it.
std::string Location::seen_at(dev_t device, std::string_view path) const {
    for (const MountEntry& mount : mounts_) {
        if (!is_below(path, mount.root) || !is_on(mount, device))
            continue;
        std::string folder = joined_path(mount.folder, path_below(path, mount.root));
        if (find_mount(mounts_, folder) == &mount)
            return folder;
    }
    return {};
}

std::vector<const KnownDevice*> Location::matching(const Target& target) const {
    std::vector<const KnownDevice*> found;
    for (const KnownDevice& one : probed_)
        if (matches(target, one.device, one.tags))
            found.push_back(&one);
    return found;
}

const KnownDevice* Location::probed(dev_t device) const {
    const auto found =
        std::ranges::find_if(probed_, [&](const KnownDevice& one) { return one.device.number == device; });
    return found == probed_.end() ? nullptr : &*found;
}

Result<> Location::check_mount(const MountEntry& mount, const std::string& folder) const {
    if (const auto reason = why_unfit_mounted(mount.type))
        return fail(ErrorKind::unsupported, "it is on {} ('{}'), {}: {}", mount.type, mount.folder,
                    reason->what, reason->remedy);
    if (const std::string missing = find_unmounted(paths_, folder, mount); !missing.empty())
        return fail(
            ErrorKind::unsupported,
            "'{}' is named in '{}/etc/fstab' and not mounted, so that the dumps would go below it: mount it, "
            "then pack again",
            missing, paths_.root);
    // A mount that only shows it read-only is no matter: in the crash kernel it is mounted anew.
    if (has_option(mount.super_options, "ro"))
        return fail(ErrorKind::unsupported,
                    "its file system ('{}', {}) is mounted read-only, which the kernel also does after an "
                    "error: make "
                    "it writable, or name it as 'UUID=... FOLDER {} rw'",
                    mount.folder, mount.type, mount.type);
    return {};
}

// What is made in a folder that fscrypt encrypts is encrypted too, and the key is gone with the kernel.
Result<> Location::check_not_encrypted(const std::string& folder) const {
    if (!is_encrypted_folder(paths_.root + folder))
        return {};
    return fail(
        ErrorKind::unsupported,
        "'{}' is encrypted (fscrypt), and the crash kernel has no key to it: name a folder that is not",
        folder);
}

Result<> Location::check_unambiguous(const Target& target) const {
    const auto found = matching(target);
    if (found.size() > 1)
        return fail(
            ErrorKind::unsupported,
            "{} is on {}, and which of them the crash kernel finds first is not known: change one's, or name "
            "it by PARTUUID=",
            target.source(), names_of(found));
    return {};
}

Result<> Location::check_content(const KnownDevice& found) const {
    if (const auto reason = why_unfit_content(found.tags.type))
        return fail(ErrorKind::unsupported, "'/dev/{}' {}: {}", found.device.name, reason->what,
                    reason->remedy);
    return {};
}

// Source: Linux fs/btrfs/sysfs.c: /sys/fs/btrfs/UUID/devices.
Result<> Location::check_single_device(const Target& target, dev_t device) const {
    const KnownDevice* const found = probed(device);
    if (found != nullptr && !found->tags.journal_uuid.empty())
        return fail(
            ErrorKind::unsupported,
            "its {} has its journal on another device (UUID {}), and a dump can only go to a file system "
            "on one: name another target",
            target.type, found->tags.journal_uuid);
    if (target.type != "btrfs" || target.tag != TargetTag::uuid)
        return {};
    const auto devices = list_folder(std::format("{}/fs/btrfs/{}/devices", paths_.sys, target.name));
    if (devices && devices->size() > 1)
        return fail(
            ErrorKind::unsupported,
            "its btrfs is on {} devices, and a dump can only go to a file system on one: name another target",
            devices->size());
    return {};
}

// The best name that the device has: /dev/sda need not be the crash kernel's.
Result<> Location::name_by_content(Target& target, dev_t device) const {
    const KnownDevice* const found = probed(device);
    if (found == nullptr)
        return {}; // not one that is listed: following it says what it is
    const std::string& name = found->device.name;
    const bool needs_type = target.type == "auto" || target.type.empty();
    if (!found->tags.trouble.empty() && (needs_type || target.tag == TargetTag::device_path))
        return fail(ErrorKind::unsupported, "what is on '/dev/{}' is not known: {}: pack as root", name,
                    found->tags.trouble);
    if (needs_type) {
        TRY(check_content(*found));
        if (found->tags.type.empty())
            return fail(ErrorKind::unsupported,
                        "no file system is seen on '/dev/{}': make one, or name its type", name);
        target.type = found->tags.type;
    }
    if (target.tag != TargetTag::device_path)
        return {};
    if (found->tags.uuid.empty() && found->tags.part_uuid.empty())
        return fail(ErrorKind::unsupported,
                    "'/dev/{}' has no UUID by which the crash kernel would find it again: give its file "
                    "system a UUID, or "
                    "name it by LABEL= or PARTLABEL=",
                    name);
    target.tag = found->tags.uuid.empty() ? TargetTag::part_uuid : TargetTag::uuid;
    target.name = found->tags.uuid.empty() ? found->tags.part_uuid : found->tags.uuid;
    return {};
}

Result<TargetPlace> Location::complete(Target target, dev_t device, const MountEntry* mount,
                                       bool has_options) {
    TargetPlace place;
    place.chain = TRY(follow_device(paths_, device));
    TRY(name_by_content(target, device));
    TRY(check_single_device(target, device)); // all of a btrfs's devices have its UUID
    TRY(check_unambiguous(target));
    CrashMountOptions options =
        TRY(crash_mount_options(target.type, mount == nullptr ? "" : mount->super_options));
    if (!has_options)
        target.options = options.options;
    if (has_option(target.options, "ro"))
        return fail(ErrorKind::invalid, "its options '{}' make it read-only: leave out 'ro'", target.options);
    place.modules = std::move(options.modules);
    if (const KnownDevice* const found = probed(device))
        place.device_bytes = found->device.size_bytes;
    place.target = std::move(target);
    return place;
}

Result<TargetPlace> Location::of_folder(const std::string& folder) {
    const std::string resolved = TRY(resolve_path(paths_.root, folder));
    if (resolved == "/dev" || resolved.starts_with("/dev/"))
        return fail(ErrorKind::invalid, "it is a device: write '{} FOLDER', the folder being one on it",
                    folder);
    const MountEntry* const mount = find_mount(mounts_, resolved);
    if (mount == nullptr)
        return fail(
            ErrorKind::no_data,
            "nothing is mounted at '/' in '{}/self/mountinfo', as in a chroot: name it as 'UUID=... FOLDER'",
            paths_.proc);
    TRY(check_mount(*mount, resolved));
    TRY(check_not_encrypted(resolved));
    const dev_t device = TRY(device_of(*mount));
    Target target{.tag = TargetTag::device_path,
                  .path = joined_path(mount->root, path_below(resolved, mount->folder)),
                  .type = mount->type};
    TargetPlace place = TRY(complete(std::move(target), device, mount, false));
    place.folder_on_host = resolved;
    return place;
}

Result<TargetPlace> Location::of_source(bool has_options) {
    Target target = TRY(parse_target(text_));
    if (const auto reason = why_unfit_mounted(target.type))
        return fail(ErrorKind::unsupported, "its type is {}, {}: {}", target.type, reason->what,
                    reason->remedy);
    const dev_t device = TRY(device_of(target));
    const MountEntry* const mount = mount_of(device);
    TargetPlace place = TRY(complete(std::move(target), device, mount, has_options));
    place.is_read_only = mount != nullptr && has_option(mount->super_options, "ro");
    place.folder_on_host = seen_at(device, place.target.path);
    if (!place.folder_on_host.empty())
        TRY(check_not_encrypted(place.folder_on_host));
    return place;
}

} // namespace

Result<TargetPlace> locate_target(const SystemPaths& paths, std::string_view text, DeviceView view) {
    return Location(paths, text, view).find().transform_error(while_doing(std::format("target '{}'", text)));
}

Result<std::string> find_dump_folder(const SystemPaths& paths, std::string_view text) {
    return Location(paths, text, DeviceView::known)
        .find_folder()
        .transform_error(while_doing(std::format("target '{}'", text)));
}

} // namespace lifeboat::host
