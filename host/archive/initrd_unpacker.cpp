// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/archive/initrd_unpacker.h"

#include <filesystem>
#include <ranges>

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace lifeboat::host {

namespace {

constexpr std::size_t step_bytes = std::size_t{256} << 10;

Result<> check_empty(const std::string& folder) {
    std::error_code error;
    const bool is_empty = std::filesystem::is_empty(folder, error);
    if (error)
        return fail(system_error(std::format("look into '{}'", folder), error.value()));
    if (!is_empty)
        return fail(ErrorKind::invalid, "unpack into '{}': it is not empty", folder);
    return {};
}

// As the kernel does (clean_path): what has the name and another type makes room.
void remove_other_type(const RootedName& place, mode_t mode) {
    struct stat status{};
    if (::fstatat(place.folder.get(), place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
        return;
    if (((status.st_mode ^ mode) & S_IFMT) != 0)
        (void)::unlinkat(place.folder.get(), place.name.c_str(), S_ISDIR(status.st_mode) ? AT_REMOVEDIR : 0);
}

void remove_any(const RootedName& place) {
    remove_other_type(place, 0);
}

Result<> copy_content(EntryContent& content, int fd, const std::string& path) {
    std::vector<std::byte> buffer(step_bytes);
    for (;;) {
        const std::size_t count = TRY(content.read(buffer));
        if (count == 0)
            return {};
        TRY(write_all(fd, std::span(buffer).first(count), path));
    }
}

} // namespace

InitrdUnpacker::InitrdUnpacker(RootedFolder root)
    : root_(std::move(root))
    , is_root_(::geteuid() == 0) {}

Result<InitrdUnpacker> InitrdUnpacker::into(const std::string& folder) {
    if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST)
        return fail_system("make the folder '{}'", folder);
    RootedFolder root = TRY(RootedFolder::open(folder));
    TRY(check_empty(folder));
    return InitrdUnpacker(std::move(root));
}

Result<> InitrdUnpacker::visit(const CpioEntry& entry, EntryContent& content) {
    const std::string path(plain_path(entry.path));
    auto made = make(entry, path, content);
    if (made)
        return {};
    // What the archive is to blame for, or the disk, ends it.
    if (made.error().kind == ErrorKind::no_space || made.error().kind == ErrorKind::corrupt)
        return made;
    complaints_.push_back(std::move(made).error().text);
    return {};
}

Result<> InitrdUnpacker::make(const CpioEntry& entry, const std::string& path, EntryContent& content) {
    if (path.empty()) { // "."
        folders_.insert_or_assign(path, entry);
        return {};
    }
    const RootedName place = TRY(root_.place_for(path));
    folders_.erase(path);
    if (S_ISDIR(entry.mode)) {
        remove_other_type(place, entry.mode);
        if (::mkdirat(place.folder.get(), place.name.c_str(), 0700) != 0 && errno != EEXIST)
            return fail_system("make the folder '{}'", path);
        folders_.insert_or_assign(path, entry);
        return {};
    }
    if (S_ISREG(entry.mode))
        return make_file(entry, place, content);
    if (S_ISLNK(entry.mode)) {
        remove_any(place);
        if (::symlinkat(entry.link_target.c_str(), place.folder.get(), place.name.c_str()) != 0)
            return fail_system("make the link '{}' to '{}'", path, entry.link_target);
        return give_link_metadata(entry, place);
    }
    return make_device(entry, place);
}

// The content of hard links comes with any of them, by custom with the last.
Result<> InitrdUnpacker::make_file(const CpioEntry& entry, const RootedName& place, EntryContent& content) {
    const bool is_link = !entry.hard_link_to.empty();
    if (is_link)
        TRY(make_hard_link(entry, place));
    if (is_link && entry.content_bytes == 0)
        return {};
    remove_other_type(place, entry.mode);
    const Descriptor file =
        TRY(open_file_at(place.folder.get(), place.name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600));
    TRY(copy_content(content, file.get(), entry.path));
    return give_metadata(entry, file.get());
}

Result<> InitrdUnpacker::make_hard_link(const CpioEntry& entry, const RootedName& place) {
    const RootedName first = TRY(root_.place_for(std::string(plain_path(entry.hard_link_to))));
    remove_any(place);
    if (::linkat(first.folder.get(), first.name.c_str(), place.folder.get(), place.name.c_str(), 0) != 0)
        return fail_system("link '{}' to '{}'", entry.path, entry.hard_link_to);
    return {};
}

Result<> InitrdUnpacker::make_device(const CpioEntry& entry, const RootedName& place) {
    const bool is_device = S_ISCHR(entry.mode) || S_ISBLK(entry.mode);
    if (!is_device && !S_ISFIFO(entry.mode) && !S_ISSOCK(entry.mode))
        return fail(ErrorKind::unsupported, "make '{}': unknown type {:#o}", entry.path, entry.mode);
    remove_any(place);
    const dev_t device = is_device ? makedev(entry.device_major, entry.device_minor) : 0;
    const mode_t mode = (entry.mode & S_IFMT) | 0600;
    if (::mknodat(place.folder.get(), place.name.c_str(), mode, device) == 0)
        return give_link_metadata(entry, place);
    if (errno != EPERM)
        return fail_system("make the device '{}'", entry.path);
    ++devices_left_out_;
    return {};
}

Result<> InitrdUnpacker::give_metadata(const CpioEntry& entry, int fd) const {
    if (is_root_ && ::fchown(fd, entry.owner, entry.group) != 0)
        return fail_system("give '{}' to {}:{}", entry.path, entry.owner, entry.group);
    if (::fchmod(fd, entry.mode & (is_root_ ? 07777 : 01777)) != 0)
        return fail_system("set the mode of '{}'", entry.path);
    const timespec times[2] = {{entry.modified_seconds, 0}, {entry.modified_seconds, 0}};
    if (::futimens(fd, times) != 0)
        return fail_system("set the time of '{}'", entry.path);
    return {};
}

// For what cannot be opened to write. The name was just made, and is no link that leads elsewhere.
Result<> InitrdUnpacker::give_link_metadata(const CpioEntry& entry, const RootedName& place) const {
    const int folder = place.folder.get();
    const char* const name = place.name.c_str();
    if (is_root_ && ::fchownat(folder, name, entry.owner, entry.group, AT_SYMLINK_NOFOLLOW) != 0)
        return fail_system("give '{}' to {}:{}", entry.path, entry.owner, entry.group);
    if (!S_ISLNK(entry.mode) && ::fchmodat(folder, name, entry.mode & (is_root_ ? 07777 : 01777), 0) != 0)
        return fail_system("set the mode of '{}'", entry.path);
    const timespec times[2] = {{entry.modified_seconds, 0}, {entry.modified_seconds, 0}};
    if (::utimensat(folder, name, times, AT_SYMLINK_NOFOLLOW) != 0)
        return fail_system("set the time of '{}'", entry.path);
    return {};
}

// Folders below others come first: in them something may have to be searched that the mode then forbids.
void InitrdUnpacker::finish() {
    for (const auto& [path, entry] : std::views::reverse(folders_)) {
        const auto fd = root_.open_below(path, O_RDONLY | O_DIRECTORY);
        const auto given = fd ? give_metadata(entry, fd->get()) : Result<>(fail(fd.error()));
        if (!given)
            complaints_.push_back(given.error().text);
    }
    folders_.clear();
}

} // namespace lifeboat::host
