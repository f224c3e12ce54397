// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/descriptor.h"

#include <unistd.h>

namespace lifeboat {

namespace {

template <class Call>
auto retry_interrupted(Call call) {
    decltype(call()) result;
    do
        result = call();
    while (result < 0 && errno == EINTR);
    return result;
}

} // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
    if (this != &other) {
        reset();
        fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
}

void Descriptor::reset() {
    if (fd_ >= 0)
        ::close(std::exchange(fd_, -1));
}

Result<Descriptor> open_file(const std::string& path, int flags, mode_t mode) {
    return open_file_at(AT_FDCWD, path, flags, mode);
}

Result<Descriptor> open_file_at(int directory_fd, const std::string& name, int flags, mode_t mode) {
    const int fd =
        retry_interrupted([&] { return ::openat(directory_fd, name.c_str(), flags | O_CLOEXEC, mode); });
    if (fd < 0)
        return fail_system("open '{}'", name);
    return Descriptor(fd);
}

Result<std::size_t> read_some(int fd, std::span<std::byte> bytes, std::string_view name) {
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t count =
            retry_interrupted([&] { return ::read(fd, bytes.data() + done, bytes.size() - done); });
        if (count < 0)
            return fail_system("read {} bytes of '{}'", bytes.size() - done, name);
        if (count == 0)
            break;
        done += static_cast<std::size_t>(count);
    }
    return done;
}

Result<> read_exactly_at(int fd, std::span<std::byte> bytes, std::uint64_t offset, std::string_view name) {
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t count = retry_interrupted([&] {
            return ::pread(fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
        });
        if (count < 0)
            return fail_system("read {} bytes of '{}' at {:#x}", bytes.size() - done, name, offset + done);
        if (count == 0)
            return fail(ErrorKind::no_data, "read {} bytes of '{}' at {:#x}: the file ends there",
                        bytes.size() - done, name, offset + done);
        done += static_cast<std::size_t>(count);
    }
    return {};
}

Result<> write_all(int fd, std::span<const std::byte> bytes, std::string_view name) {
    while (!bytes.empty()) {
        const ssize_t count = retry_interrupted([&] { return ::write(fd, bytes.data(), bytes.size()); });
        if (count < 0)
            return fail_system("write {} bytes to '{}'", bytes.size(), name);
        if (count == 0)
            return fail(ErrorKind::no_space, "write {} bytes to '{}': none taken", bytes.size(), name);
        bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    return {};
}

Result<> write_all(int fd, std::string_view text, std::string_view name) {
    return write_all(fd, std::as_bytes(std::span(text)), name);
}

Result<> write_all_at(int fd, std::span<const std::byte> bytes, std::uint64_t offset, std::string_view name) {
    while (!bytes.empty()) {
        const ssize_t count = retry_interrupted(
            [&] { return ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
        if (count < 0)
            return fail_system("write {} bytes to '{}' at {:#x}", bytes.size(), name, offset);
        if (count == 0)
            return fail(ErrorKind::no_space, "write {} bytes to '{}' at {:#x}: none taken", bytes.size(),
                        name, offset);
        bytes = bytes.subspan(static_cast<std::size_t>(count));
        offset += static_cast<std::uint64_t>(count);
    }
    return {};
}

Result<std::string> read_file(const std::string& path, std::size_t limit_bytes) {
    const Descriptor file = TRY(open_file(path, O_RDONLY));
    std::string content;
    for (;;) {
        const std::size_t before = content.size();
        const std::size_t step = 4096;
        content.resize(before + step);
        const std::size_t count =
            TRY(read_some(file.get(), std::as_writable_bytes(std::span(content).subspan(before)), path));
        content.resize(before + count);
        if (content.size() > limit_bytes)
            return fail(ErrorKind::unsupported, "read '{}': more than {} bytes", path, limit_bytes);
        if (count < step)
            return content;
    }
}

Result<> write_existing_file(const std::string& path, std::string_view text) {
    const Descriptor file = TRY(open_file(path, O_WRONLY));
    const ssize_t count = retry_interrupted([&] { return ::write(file.get(), text.data(), text.size()); });
    if (count < 0)
        return fail_system("write '{}' to '{}'", text, path);
    if (static_cast<std::size_t>(count) != text.size())
        return fail(ErrorKind::system, "write '{}' to '{}': only {} bytes taken", text, path, count);
    return {};
}

} // namespace lifeboat
