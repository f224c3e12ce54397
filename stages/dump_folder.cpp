// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/dump_folder.h"

#include "base/free_space.h"
#include "base/scope_guard.h"

#include <ctime>

#include <sys/stat.h>
#include <unistd.h>

namespace lifeboat {

namespace {

constexpr std::int64_t year_2020 = 1'577'836'800;
constexpr std::int64_t year_2100 = 4'102'444'800;
constexpr std::size_t host_limit = 64;
constexpr int name_attempts = 1000;

bool is_letter_or_digit(char character) {
    return (character >= '0' && character <= '9') || (character >= 'a' && character <= 'z') ||
           (character >= 'A' && character <= 'Z');
}

std::string safe_host(std::string_view host) {
    std::string safe(host.substr(0, host_limit));
    for (char& character : safe)
        if (!is_letter_or_digit(character) && character != '.' && character != '_' && character != '-')
            character = '_';
    return safe.empty() ? "unknown" : safe;
}

Result<Descriptor> step_into(int folder, const std::string& name) {
    return open_file_at(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

Result<> sync_folder(int fd, std::string_view name) {
    if (::fsync(fd) != 0)
        return fail_system("sync the folder '{}'", name);
    return {};
}

// Opens `name`, made when missing; that it is there is then made durable in its parent.
Result<Descriptor> step_or_make(int folder, const std::string& name) {
    if (::mkdirat(folder, name.c_str(), 0700) == 0)
        TRY(sync_folder(folder, name));
    else if (errno != EEXIST)
        return fail_system("make the folder '{}'", name);
    return step_into(folder, name);
}

template <class Step>
Result<Descriptor> walk(const SaveRequest& request, Step step) {
    Descriptor folder = TRY(open_file(request.paths.mount_point, O_RDONLY | O_DIRECTORY));
    std::string_view rest = request.target_path;
    while (!rest.empty()) {
        const std::size_t end = rest.find('/');
        const std::string name(rest.substr(0, end));
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        if (!name.empty() && name != ".")
            folder = TRY(step(folder.get(), name));
    }
    return folder;
}

} // namespace

std::string dump_folder_name(std::int64_t seconds_since_1970, std::string_view host) {
    const std::time_t seconds = seconds_since_1970;
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    return std::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z-{}", parts.tm_year + 1900, parts.tm_mon + 1,
                       parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, safe_host(host));
}

std::int64_t choose_crash_time(std::optional<std::int64_t> said, std::int64_t now) {
    // This kernel's clock may be unset, so only a clock that is itself plausible can contradict.
    constexpr std::int64_t day = 86'400;
    const bool clock_is_set = now >= year_2020;
    if (said && *said >= year_2020 && *said < year_2100 && (!clock_is_set || *said <= now + day))
        return *said;
    return now < 0 || now >= year_2100 ? 0 : now;
}

Result<DumpFolder> DumpFolder::create(const SaveRequest& request, std::int64_t crash_time) {
    const Descriptor parent = TRY(
        walk(request, step_or_make)
            .transform_error(while_doing(std::format("open the target's folder '{}'", request.target_path))));
    const std::string wanted = dump_folder_name(crash_time, request.host);
    std::string name = wanted;
    for (int number = 2; ::mkdirat(parent.get(), name.c_str(), 0700) != 0; ++number) {
        if (errno != EEXIST || number > name_attempts)
            return fail_system("make the folder '{}'", name);
        name = std::format("{}-{}", wanted, number);
    }
    // What is not durable is not left for a further attempt to step around.
    ScopeGuard undo([&] { ::unlinkat(parent.get(), name.c_str(), AT_REMOVEDIR); });
    Descriptor folder = TRY(step_into(parent.get(), name));
    TRY(sync_folder(parent.get(), request.target_path));
    undo.disarm();
    return DumpFolder(std::move(name), std::move(folder));
}

Result<DumpFolder> DumpFolder::open(const SaveRequest& request) {
    const Descriptor parent = TRY(walk(request, step_into));
    return DumpFolder(request.folder, TRY(step_into(parent.get(), request.folder)));
}

Result<DumpFolder> DumpFolder::open_or_create(const SaveRequest& request,
                                              std::optional<std::int64_t> said_time, StageReport& report) {
    DumpFolder folder =
        TRY(request.folder.empty() ? create(request, choose_crash_time(said_time, std::time(nullptr)))
                                   : open(request));
    report.fact("folder", folder.name());
    return folder;
}

Result<Descriptor> DumpFolder::create_file(const std::string& name) const {
    return open_file_at(fd(), name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
}

Result<> DumpFolder::complete_file(const Descriptor& file, const std::string& from, const std::string& to) {
    if (::fsync(file.get()) != 0)
        return fail_system("sync '{}'", from);
    return rename_file(from, to);
}

Result<> DumpFolder::rename_file(const std::string& from, const std::string& to) {
    if (::renameat(fd(), from.c_str(), fd(), to.c_str()) != 0)
        return fail_system("rename '{}' to '{}'", from, to);
    return sync_folder(fd(), name_);
}

Result<> DumpFolder::remove_file(const std::string& name) const {
    if (::unlinkat(fd(), name.c_str(), 0) != 0 && errno != ENOENT)
        return fail_system("remove '{}'", name);
    return {};
}

std::optional<std::uint64_t> DumpFolder::size_of(const std::string& name) const {
    struct stat status{};
    if (::fstatat(fd(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
        return std::nullopt;
    return static_cast<std::uint64_t>(status.st_size);
}

std::uint64_t DumpFolder::free_bytes() const {
    const auto space = free_space_of(fd(), name_);
    return space ? space->for_this_process_bytes() : 0;
}

} // namespace lifeboat
