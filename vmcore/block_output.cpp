// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/block_output.h"

#include <algorithm>
#include <cstring>

#include <fcntl.h>
#include <system_error>
#include <unistd.h>

namespace lifeboat {

namespace {

// So much written data may lie in the page cache: enough to keep a disk busy, little in a crash kernel.
constexpr std::uint64_t write_behind_bytes = std::uint64_t{8} << 20;

} // namespace

Result<std::unique_ptr<BlockOutput>> BlockOutput::open(int fd, std::uint64_t offset, std::size_t block_bytes,
                                                       std::string name) {
    std::unique_ptr<BlockOutput> output(new BlockOutput(fd, offset, block_bytes, std::move(name)));
    output->memory_ = TRY(Mapping::anonymous(piece_bytes * piece_count));
    for (std::size_t i = 0; i < piece_count; ++i)
        output->pieces_[i].buffer = output->memory_.bytes().subspan(i * piece_bytes, piece_bytes);
    output->open_direct();
    try {
        output->thread_ = std::thread([self = output.get()] { self->write_pieces(); });
    } catch (const std::system_error&) {
        // No memory for a thread: hand_over() then writes itself.
    }
    return output;
}

BlockOutput::BlockOutput(int fd, std::uint64_t offset, std::size_t block_bytes, std::string name)
    : fd_(fd)
    , block_bytes_(block_bytes)
    , name_(std::move(name))
    , end_(offset)
    , clean_end_(offset)
    , written_end_(offset) {}

BlockOutput::~BlockOutput() {
    stop();
}

// O_DIRECT belongs to an open file, and the caller's is used for small writes too: so the file is opened once
// more.
void BlockOutput::open_direct() {
    auto opened = open_file(std::format("/proc/self/fd/{}", fd_), O_WRONLY | O_DIRECT);
    if (opened)
        direct_ = std::move(*opened);
    else
        not_direct_because_ = opened.error().text;
}

Result<> BlockOutput::append(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        Piece& filling = piece(filled_);
        const std::size_t part = std::min(bytes.size(), piece_bytes - filling.bytes);
        std::memcpy(filling.buffer.data() + filling.bytes, bytes.data(), part);
        filling.bytes += part;
        end_ += part;
        bytes = bytes.subspan(part);
        if (filling.bytes == piece_bytes)
            TRY(hand_over());
    }
    return {};
}

// The piece being filled becomes the writing thread's, and the next one is free when this comes back.
Result<> BlockOutput::hand_over() {
    std::unique_lock lock(mutex_);
    ++filled_;
    if (thread_.joinable()) {
        piece_filled_.notify_one();
        piece_written_.wait(lock, [&] { return error_ || filled_ - written_ < piece_count; });
    } else {
        stopping_ = true; // write_pieces() then comes back
        lock.unlock();
        write_pieces();
        lock.lock();
    }
    if (filled_ - written_ < piece_count)
        piece(filled_).bytes = 0;
    return error_ ? Result<>(fail(*error_)) : Result<>{};
}

Result<> BlockOutput::push() {
    Piece& filling = piece(filled_);
    const std::size_t rest_bytes = filling.bytes % block_bytes_;
    filling.bytes -= rest_bytes;
    TRY(hand_over());
    // It is still where it was: the writing thread only reads, and only what was handed over.
    Piece& next = piece(filled_);
    std::memcpy(next.buffer.data(), filling.buffer.data() + filling.bytes, rest_bytes);
    next.bytes = rest_bytes;
    return {};
}

// The writing thread. Ends when it is told to and everything is written, or with the first error.
void BlockOutput::write_pieces() {
    std::unique_lock lock(mutex_);
    while (!error_) {
        piece_filled_.wait(lock, [&] { return stopping_ || written_ < filled_; });
        if (written_ == filled_)
            return;
        const Piece& next = piece(written_);
        const std::uint64_t offset = written_end_;
        lock.unlock();
        auto done = write_piece(offset, next.buffer.first(next.bytes));
        lock.lock();
        if (done) {
            written_end_ += next.bytes;
            ++written_;
        } else {
            error_ = std::move(done).error();
        }
        piece_written_.notify_one();
    }
}

Result<> BlockOutput::write_piece(std::uint64_t offset, std::span<const std::byte> bytes) {
    if (direct_.is_open() && bytes.size() % block_bytes_ == 0) {
        auto done = write_all_at(direct_.get(), bytes, offset, name_);
        if (done || done.error().os_error != EINVAL)
            return done;
        // The device wants a larger alignment than a page's.
        not_direct_because_ = done.error().text;
        direct_.reset();
    }
    return write_through_cache(offset, bytes);
}

// Starts writing now, then waits for what is some way behind and lets it go from the page cache. Who waits is
// told of what could not be written, and nobody after him: fdatasync() then knows of nothing.
Result<> BlockOutput::write_through_cache(std::uint64_t offset, std::span<const std::byte> bytes) {
    TRY(write_all_at(fd_, bytes, offset, name_));
    ::sync_file_range(fd_, static_cast<off_t>(offset), static_cast<off_t>(bytes.size()),
                      SYNC_FILE_RANGE_WRITE);
    const std::uint64_t end = offset + bytes.size();
    if (end - clean_end_ >= 2 * write_behind_bytes) {
        const auto start = static_cast<off_t>(clean_end_);
        const auto length = static_cast<off_t>(write_behind_bytes);
        if (::sync_file_range(fd_, start, length,
                              SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
                                  SYNC_FILE_RANGE_WAIT_AFTER) != 0 &&
            errno != ESPIPE && errno != EINVAL && errno != ENOSYS)
            return fail_system("write {} bytes to {} at {:#x}", write_behind_bytes, name_, clean_end_);
        ::posix_fadvise(fd_, start, length, POSIX_FADV_DONTNEED);
        clean_end_ += write_behind_bytes;
    }
    return {};
}

Result<> BlockOutput::finish() {
    TRY(push());
    stop();
    if (error_)
        return fail(*error_);
    const Piece& rest = piece(filled_);
    TRY(write_all_at(fd_, rest.buffer.first(rest.bytes), written_end_, name_));
    written_end_ += rest.bytes;
    return {};
}

// What could not be written in one piece for lack of space may still fit in smaller ones. Where the disk has
// failed nothing more is written: the page cache takes it without a word, and what comes back is not known.
void BlockOutput::abandon() {
    stop();
    const std::uint64_t end = std::min(filled_ + 1, written_ + piece_count);
    const bool may_fit = !error_ || error_->kind == ErrorKind::no_space;
    while (may_fit && written_ < end && write_blocks(piece(written_)))
        ++written_;
    end_ = written_end_;
}

bool BlockOutput::write_blocks(const Piece& held) {
    for (std::size_t done = 0; done < held.bytes;) {
        const std::size_t part = std::min(held.bytes - done, block_bytes_);
        if (!write_through_cache(written_end_, held.buffer.subspan(done, part)))
            return false;
        written_end_ += part;
        done += part;
    }
    return true;
}

std::uint64_t BlockOutput::written_end() const {
    const std::scoped_lock lock(mutex_);
    return written_end_;
}

void BlockOutput::stop() {
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
    }
    piece_filled_.notify_one();
    if (thread_.joinable())
        thread_.join();
}

} // namespace lifeboat
