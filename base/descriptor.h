// SPDX-License-Identifier: GPL-2.0-or-later
// An owned file descriptor and the few whole-file operations everything is built of.
// Every descriptor made here is O_CLOEXEC. EINTR is retried. Nothing here logs.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/types.h>

namespace lifeboat {

class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int fd)
        : fd_(fd) {} // takes ownership; negative: owns nothing
    Descriptor(Descriptor&& other) noexcept
        : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept;
    ~Descriptor() { reset(); }

    [[nodiscard]] int get() const { return fd_; }
    [[nodiscard]] bool is_open() const { return fd_ >= 0; }
    [[nodiscard]] int release() { return std::exchange(fd_, -1); }
    void reset();

private:
    int fd_ = -1;
};

Result<Descriptor> open_file(const std::string& path, int flags, mode_t mode = 0);
// `name` below the folder `directory_fd` (AT_FDCWD allowed).
Result<Descriptor> open_file_at(int directory_fd, const std::string& name, int flags, mode_t mode = 0);

// Reads up to the end of `bytes` or of the file, whichever comes first; the count read.
Result<std::size_t> read_some(int fd, std::span<std::byte> bytes, std::string_view name);
// The same at an offset, in bytes. Fails with no_data when the file ends before `bytes` is full.
Result<> read_exactly_at(int fd, std::span<std::byte> bytes, std::uint64_t offset, std::string_view name);
Result<> write_all(int fd, std::span<const std::byte> bytes, std::string_view name);
Result<> write_all(int fd, std::string_view text, std::string_view name);
Result<> write_all_at(int fd, std::span<const std::byte> bytes, std::uint64_t offset, std::string_view name);

// The whole content; also of files in /proc and /sys, whose size reads as 0. More than `limit_bytes` fails
// with unsupported.
Result<std::string> read_file(const std::string& path, std::size_t limit_bytes = std::size_t{1} << 20);
// Writes to a file that exists (a sysctl, a sysfs attribute) in one write(2).
Result<> write_existing_file(const std::string& path, std::string_view text);

} // namespace lifeboat
