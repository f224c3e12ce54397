// SPDX-License-Identifier: GPL-2.0-or-later
// A file in memory, with a path, for parsers that open one. Its content is replaced for each input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <utility>

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lifeboat::tests {

class MemoryFile {
public:
    MemoryFile()
        : fd_(::memfd_create("input", MFD_CLOEXEC)) {
        if (fd_ < 0)
            std::abort();
    }
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile(MemoryFile&& other) noexcept
        : fd_(std::exchange(other.fd_, -1)) {}
    MemoryFile& operator=(const MemoryFile&) = delete;
    ~MemoryFile() {
        if (fd_ >= 0)
            ::close(fd_);
    }

    [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }
    [[nodiscard]] int fd() const { return fd_; }
    [[nodiscard]] std::uint64_t bytes() const {
        struct stat status{};
        if (::fstat(fd_, &status) != 0)
            std::abort();
        return static_cast<std::uint64_t>(status.st_size);
    }
    void resize(std::uint64_t bytes) const {
        if (::ftruncate(fd_, static_cast<off_t>(bytes)) != 0)
            std::abort();
    }
    void write(std::uint64_t offset, std::span<const std::uint8_t> bytes) const {
        if (::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset)) !=
            static_cast<ssize_t>(bytes.size()))
            std::abort();
    }
    void read(std::uint64_t offset, std::span<std::uint8_t> bytes) const {
        if (::pread(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset)) !=
            static_cast<ssize_t>(bytes.size()))
            std::abort();
    }

private:
    int fd_;
};

} // namespace lifeboat::tests
