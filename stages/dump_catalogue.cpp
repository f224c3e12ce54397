// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/dump_catalogue.h"

#include "base/descriptor.h"
#include "base/text.h"
#include "stages/dump_files.h"
#include "stages/list_folder.h"

#include <algorithm>
#include <ctime>

#include <sys/stat.h>
#include <unistd.h>

namespace lifeboat {

namespace {

constexpr std::string_view removed_suffix = ".removing";
constexpr std::int64_t day_s = 86'400;

// "20250131T235959Z", in seconds since 1970.
std::optional<std::int64_t> parse_stamp(std::string_view stamp) {
    constexpr std::string_view form = "YYYYMMDDTHHMMSSZ";
    if (stamp.size() != form.size() || stamp[8] != 'T' || stamp[15] != 'Z')
        return std::nullopt;
    const auto date = parse_unsigned(stamp.substr(0, 8));
    const auto time = parse_unsigned(stamp.substr(9, 6));
    if (!date || !time)
        return std::nullopt;
    std::tm parts{};
    parts.tm_year = static_cast<int>(*date / 10'000) - 1900;
    parts.tm_mon = static_cast<int>(*date / 100 % 100) - 1;
    parts.tm_mday = static_cast<int>(*date % 100);
    parts.tm_hour = static_cast<int>(*time / 10'000);
    parts.tm_min = static_cast<int>(*time / 100 % 100);
    parts.tm_sec = static_cast<int>(*time % 100);
    return ::timegm(&parts);
}

struct stat status_of(int folder_fd, const std::string& name) {
    struct stat status{};
    if (::fstatat(folder_fd, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
        return {};
    return status;
}

// Why what is open there is nobody's evidence; empty: it is root's own.
std::string why_foreign(int folder_fd) {
    struct stat status{};
    if (::fstat(folder_fd, &status) != 0)
        return system_error("cannot be looked at").text;
    if (status.st_uid != 0 && status.st_uid != ::geteuid())
        return std::format("belongs to user {}", status.st_uid);
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return std::format("can be written to by others (mode {:o})", status.st_mode & 07777);
    return {};
}

StoredDump::State state_of(const std::vector<std::string>& files) {
    if (std::ranges::contains(files, vmcore_name))
        return StoredDump::State::complete;
    if (std::ranges::contains(files, vmcore_working_name))
        return StoredDump::State::incomplete;
    if (std::ranges::contains(files, kernel_log_name))
        return StoredDump::State::kernel_log_only;
    return StoredDump::State::empty;
}

Result<Descriptor> open_folder_at(const Descriptor& parent, const std::string& name) {
    return open_file_at(parent.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

void look_into(const Descriptor& opened, const std::string& folder, StoredDump& dump) {
    std::vector<std::string> files =
        list_folder(folder + '/' + dump.name).value_or(std::vector<std::string>{});
    std::erase_if(files, [&](const std::string& file) {
        const struct stat status = status_of(opened.get(), file);
        dump.bytes += static_cast<std::uint64_t>(status.st_blocks) * 512; // stat(2)
        return !S_ISREG(status.st_mode);
    });
    dump.state = state_of(files);
}

bool is_folder(int folder_fd, const std::string& name) {
    return S_ISDIR(status_of(folder_fd, name).st_mode);
}

Result<Descriptor> open_own(const Descriptor& parent, const std::string& folder, const std::string& name) {
    Descriptor opened = TRY(open_folder_at(parent, name));
    if (const std::string reason = why_foreign(opened.get()); !reason.empty())
        return fail(ErrorKind::unsupported, "remove '{}/{}': it {}, leaving it", folder, name, reason);
    return opened;
}

// The folder must hold nothing but files.
Result<> remove_folder(const Descriptor& parent, const std::string& folder, const std::string& name) {
    const Descriptor fd = TRY(open_own(parent, folder, name));
    for (const std::string& file : TRY(list_folder(folder + '/' + name)))
        if (::unlinkat(fd.get(), file.c_str(), 0) != 0)
            return fail_system("remove '{}/{}/{}'", folder, name, file);
    if (::unlinkat(parent.get(), name.c_str(), AT_REMOVEDIR) != 0)
        return fail_system("remove the folder '{}/{}'", folder, name);
    return {};
}

bool is_half_removed(std::string_view name) {
    return name.ends_with(removed_suffix) &&
           parse_dump_folder_name(name.substr(0, name.size() - removed_suffix.size())).has_value();
}

} // namespace

std::string_view name_of(StoredDump::State state) {
    switch (state) {
    case StoredDump::State::complete:
        return "complete";
    case StoredDump::State::incomplete:
        return "incomplete";
    case StoredDump::State::kernel_log_only:
        return "log-only";
    case StoredDump::State::empty:
        break;
    }
    return "empty";
}

std::optional<StoredDump> parse_dump_folder_name(std::string_view name) {
    constexpr std::size_t stamp_length = 16;
    if (name.size() <= stamp_length + 1 || name[stamp_length] != '-' || name.ends_with(removed_suffix))
        return std::nullopt;
    const auto time = parse_stamp(name.substr(0, stamp_length));
    if (!time)
        return std::nullopt;
    return StoredDump{
        .name = std::string(name), .crash_time_s = *time, .host = std::string(name.substr(stamp_length + 1))};
}

Result<std::vector<StoredDump>> list_dumps(const std::string& folder) {
    const Descriptor fd = TRY(open_file(folder, O_RDONLY | O_DIRECTORY));
    std::vector<StoredDump> dumps;
    for (const std::string& name : TRY(list_folder(folder))) {
        auto dump = parse_dump_folder_name(name);
        if (!dump)
            continue;
        const auto opened = open_folder_at(fd, name);
        if (!opened || !why_foreign(opened->get()).empty())
            continue;
        look_into(*opened, folder, *dump);
        dumps.push_back(*std::move(dump));
    }
    // Of the same second "HOST" comes before "HOST-2" and that before "HOST-10".
    std::ranges::sort(dumps, {}, [](const StoredDump& dump) {
        return std::tuple(dump.crash_time_s, dump.name.size(), dump.name);
    });
    return dumps;
}

Result<std::vector<ForeignDump>> list_foreign(const std::string& folder) {
    const Descriptor fd = TRY(open_file(folder, O_RDONLY | O_DIRECTORY));
    std::vector<ForeignDump> foreign;
    for (const std::string& name : TRY(list_folder(folder))) {
        if (!parse_dump_folder_name(name) || !is_folder(fd.get(), name))
            continue;
        const auto opened = open_folder_at(fd, name);
        std::string reason = opened ? why_foreign(opened->get()) : opened.error().text;
        if (!reason.empty())
            foreign.push_back({name, std::move(reason)});
    }
    return foreign;
}

std::vector<StoredDump> beyond_retention(std::span<const StoredDump> dumps, const Retention& retention,
                                         std::int64_t now_s) {
    const auto newest_complete =
        std::ranges::find(dumps.rbegin(), dumps.rend(), StoredDump::State::complete, &StoredDump::state);
    std::uint64_t count = dumps.size();
    std::uint64_t bytes = 0;
    for (const StoredDump& dump : dumps)
        bytes += dump.bytes;
    std::vector<StoredDump> leaving;
    for (const StoredDump& dump : dumps) {
        const std::int64_t age_s = now_s - dump.crash_time_s;
        const bool is_too_old =
            retention.days > 0 && age_s > static_cast<std::int64_t>(retention.days) * day_s;
        const bool are_too_many = retention.count > 0 && count > retention.count;
        const bool are_too_large = retention.bytes > 0 && bytes > retention.bytes;
        const bool stays =
            &dump == &dumps.back() || (newest_complete != dumps.rend() && &dump == &*newest_complete);
        if (stays || (!is_too_old && !are_too_many && !are_too_large))
            continue;
        leaving.push_back(dump);
        --count;
        bytes -= dump.bytes;
    }
    return leaving;
}

Result<> remove_dump(const std::string& folder, const std::string& name) {
    const Descriptor parent = TRY(open_file(folder, O_RDONLY | O_DIRECTORY));
    const Descriptor dump = TRY(open_own(parent, folder, name));
    for (const std::string& file : TRY(list_folder(folder + '/' + name)))
        if (is_folder(dump.get(), file))
            return fail(ErrorKind::unsupported,
                        "remove '{}/{}': there is a folder '{}' in it, leaving it all", folder, name, file);
    const std::string leaving = name + std::string(removed_suffix);
    if (::renameat(parent.get(), name.c_str(), parent.get(), leaving.c_str()) != 0)
        return fail_system("rename '{}/{}' to '{}'", folder, name, leaving);
    return remove_folder(parent, folder, leaving);
}

Result<std::vector<std::string>> list_half_removed(const std::string& folder) {
    const Descriptor fd = TRY(open_file(folder, O_RDONLY | O_DIRECTORY));
    std::vector<std::string> names = TRY(list_folder(folder));
    std::erase_if(names, [&](const std::string& name) {
        const auto opened = is_half_removed(name) ? open_folder_at(fd, name) : Result<Descriptor>();
        return !opened || !opened->is_open() || !why_foreign(opened->get()).empty();
    });
    return names;
}

Result<> finish_removal(const std::string& folder, const std::string& name) {
    return remove_folder(TRY(open_file(folder, O_RDONLY | O_DIRECTORY)), folder, name);
}

} // namespace lifeboat
