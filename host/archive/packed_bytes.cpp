// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/archive/packed_bytes.h"

#include <algorithm>

#include <sys/stat.h>
#include <unistd.h>

namespace lifeboat::host {

namespace {

constexpr std::size_t piece_bytes = std::size_t{256} << 10;

} // namespace

Result<PackedFile> PackedFile::open(const std::string& path) {
    // A FIFO of that name would be waited for; of a file it changes nothing.
    Descriptor file = TRY(open_file(path, O_RDONLY | O_NONBLOCK));
    struct stat status{};
    if (::fstat(file.get(), &status) != 0)
        return fail_system("ask the size of '{}'", path);
    if (!S_ISREG(status.st_mode))
        return fail(ErrorKind::unsupported, "read '{}': not a file", path);
    if (status.st_size == 0)
        return fail(ErrorKind::no_data, "read '{}': it is empty", path);
    return PackedFile(std::move(file), static_cast<std::uint64_t>(status.st_size), path);
}

Result<std::span<const std::byte>> PackedFile::at(std::uint64_t offset, std::size_t at_least) {
    const std::uint64_t rest = size_ - std::min(size_, offset);
    const std::uint64_t wanted = std::min<std::uint64_t>(rest, at_least);
    const std::uint64_t into = offset - buffer_offset_;
    if (into > buffer_.size() || buffer_.size() - into < wanted) {
        TRY(fill(offset, std::min<std::uint64_t>(rest, std::max(at_least, piece_bytes)), wanted));
        return std::span<const std::byte>(buffer_);
    }
    return std::span<const std::byte>(buffer_).subspan(into);
}

// What is ahead of what is wanted may be missing: it may never be asked for, and if it is, its error comes
// then.
Result<> PackedFile::fill(std::uint64_t offset, std::size_t bytes, std::size_t wanted) {
    buffer_.resize(bytes);
    buffer_offset_ = offset;
    std::size_t done = 0;
    ssize_t count = 0;
    do {
        count = ::pread(file_.get(), buffer_.data() + done, bytes - done, static_cast<off_t>(offset + done));
        done += static_cast<std::size_t>(std::max<ssize_t>(count, 0));
    } while (done < bytes && (count > 0 || (count < 0 && errno == EINTR)));
    buffer_.resize(done);
    if (done >= wanted)
        return {};
    if (count < 0)
        return fail_system("read '{}' at {:#x}", path_, offset + done);
    return fail(ErrorKind::no_data, "read '{}' at {:#x}: the file has become shorter", path_, offset + done);
}

} // namespace lifeboat::host
