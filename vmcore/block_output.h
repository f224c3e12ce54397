// SPDX-License-Identifier: GPL-2.0-or-later
// A stream of bytes into a file, from an offset on, in large aligned pieces and on a thread of its own, so
// that who makes the bytes does not wait for the disk. Past the page cache (O_DIRECT) where the file system
// lets us: in a crash kernel memory is what there is least of. Elsewhere what was written is let go from the
// page cache behind us.
#pragma once

#include "base/descriptor.h"
#include "base/mapping.h"
#include "base/result.h"

#include <array>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>

namespace lifeboat {

class BlockOutput {
public:
    // `fd` stays the caller's and is open for writing; `offset` is a multiple of `block_bytes`, a power of
    // two of at least 4096. `name` is the file's in errors.
    static Result<std::unique_ptr<BlockOutput>> open(int fd, std::uint64_t offset, std::size_t block_bytes,
                                                     std::string name);
    BlockOutput(const BlockOutput&) = delete;
    BlockOutput& operator=(const BlockOutput&) = delete;
    ~BlockOutput();

    // Waits while all buffers are full. Fails with the error of an earlier piece's writing; nothing more is
    // then written.
    Result<> append(std::span<const std::byte> bytes);
    // Sends the whole blocks that are held on their way without waiting for a piece to be full.
    Result<> push();
    // Writes what is held and waits until all of it is with the kernel. Does not sync.
    Result<> finish();
    // After an error: as many of the blocks held as can be written.
    void abandon();

    // One past the last byte appended; after abandon(), written.
    [[nodiscard]] std::uint64_t end() const { return end_; }
    // Up to here the kernel has it.
    [[nodiscard]] std::uint64_t written_end() const;
    // Why the page cache is not avoided; empty when it is. Known after finish() or abandon().
    [[nodiscard]] const std::string& not_direct_because() const { return not_direct_because_; }

private:
    static constexpr std::size_t piece_bytes = std::size_t{512} << 10;
    static constexpr std::size_t piece_count = 3;
    struct Piece {
        std::span<std::byte> buffer;
        std::size_t bytes = 0;
    };

    BlockOutput(int fd, std::uint64_t offset, std::size_t block_bytes, std::string name);
    void open_direct();
    Piece& piece(std::uint64_t number) { return pieces_[number % piece_count]; }
    Result<> hand_over();
    void write_pieces();
    Result<> write_piece(std::uint64_t offset, std::span<const std::byte> bytes);
    bool write_blocks(const Piece& held);
    Result<> write_through_cache(std::uint64_t offset, std::span<const std::byte> bytes);
    void stop();

    int fd_;
    std::size_t block_bytes_;
    std::string name_;
    Descriptor direct_;
    std::string not_direct_because_;
    Mapping memory_;
    std::array<Piece, piece_count> pieces_;
    std::uint64_t end_;
    std::uint64_t clean_end_; // the writing thread's: up to here the page cache was let go

    // Between the two threads. Pieces are numbered in order: those below `written_` are free again, those
    // from there to `filled_` are the writing thread's, the one of number `filled_` is being filled.
    mutable std::mutex mutex_;
    std::condition_variable piece_filled_;
    std::condition_variable piece_written_;
    std::uint64_t filled_ = 0;
    std::uint64_t written_ = 0;
    std::uint64_t written_end_;
    std::optional<Error> error_;
    bool stopping_ = false;
    std::thread thread_;
};

} // namespace lifeboat
