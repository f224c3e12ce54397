// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/machine/lock_folder.h"

#include "base/clock.h"
#include "base/text.h"

#include <array>

#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lifeboat::host {

namespace {

constexpr useconds_t pause_us = 50'000;

Result<> check_own(int fd, std::string_view what, const std::string& name) {
    struct stat status{};
    if (::fstat(fd, &status) != 0)
        return fail_system("look at '{}'", name);
    if (status.st_uid != ::geteuid())
        return fail(ErrorKind::unsupported, "lock '{}': the {} belongs to user {}, not to who runs this",
                    name, what, status.st_uid);
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return fail(ErrorKind::unsupported, "lock '{}': others may write to the {} (mode {:o})", name, what,
                    status.st_mode & 07777);
    return {};
}

// What the holder has written; whoever was killed before that is "a process".
std::string holder_of(const Descriptor& lock) {
    std::array<char, 32> text{};
    const ssize_t count = ::pread(lock.get(), text.data(), text.size(), 0);
    const auto pid =
        parse_unsigned(trim(std::string_view(text.data(), count < 0 ? 0 : static_cast<std::size_t>(count))
                                .substr(0, text.size())));
    return pid ? std::format("process {}", *pid) : std::string("a process");
}

// For the error of whoever waits; without it that says less.
void leave_name(const Descriptor& lock) {
    const std::string text = std::to_string(::getpid());
    if (::ftruncate(lock.get(), 0) == 0)
        (void)write_all_at(lock.get(), std::as_bytes(std::span(text)), 0, "");
}

Result<> wait_for(const Descriptor& lock, const std::string& path, std::int64_t limit_ms) {
    const Deadline deadline = Deadline::after_ms(limit_ms);
    while (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return fail_system("lock '{}'", path);
        if (deadline.has_passed())
            return fail(ErrorKind::timed_out, "lock '{}': {} has held it for {} s", path, holder_of(lock),
                        limit_ms / 1000);
        ::usleep(pause_us);
    }
    return {};
}

} // namespace

Result<Descriptor> lock_folder(const std::string& folder, std::int64_t limit_ms) {
    const Descriptor parent = TRY(open_file(folder, O_RDONLY | O_DIRECTORY));
    TRY(check_own(parent.get(), "folder", folder));
    const std::string path = std::format("{}/{}", folder, lock_file_name);
    Descriptor lock = TRY(open_file_at(parent.get(), std::string(lock_file_name),
                                       O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0600)
                              .transform_error(while_doing(std::format("lock '{}'", folder))));
    TRY(check_own(lock.get(), "file", path));
    TRY(wait_for(lock, path, limit_ms));
    leave_name(lock);
    return lock;
}

} // namespace lifeboat::host
