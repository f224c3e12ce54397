// SPDX-License-Identifier: GPL-2.0-or-later
// The bytes of a file as decompressors want them, a piece at a time from front to back: out of memory, or
// read from the file. Never mapped: where a sector cannot be read, a mapping kills the process (SIGBUS), and
// this fails with the place.
//
//     PackedFile file = TRY(PackedFile::open(path));
//     for (std::uint64_t at = 0; at < file.size();) { const auto piece = TRY(file.at(at)); ...; at += used; }
#pragma once

#include "base/descriptor.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace lifeboat::host {

class PackedBytes {
public:
    virtual ~PackedBytes() = default;

    [[nodiscard]] virtual std::uint64_t size() const = 0;
    // What stands from `offset` on: `at_least` bytes, or all that there are, and often more. Holds until the
    // next call.
    virtual Result<std::span<const std::byte>> at(std::uint64_t offset, std::size_t at_least = 1) = 0;
};

// The caller's, and outlives it.
class PackedMemory : public PackedBytes {
public:
    explicit PackedMemory(std::span<const std::byte> bytes)
        : bytes_(bytes) {}

    [[nodiscard]] std::uint64_t size() const override { return bytes_.size(); }
    Result<std::span<const std::byte>> at(std::uint64_t offset, std::size_t /*at_least*/) override {
        return bytes_.subspan(offset);
    }

private:
    std::span<const std::byte> bytes_;
};

// Memory: 256 KiB, and as much as was asked for at once.
class PackedFile : public PackedBytes {
public:
    // Fails with unsupported when it is not a file, with no_data when it is empty.
    static Result<PackedFile> open(const std::string& path);

    [[nodiscard]] std::uint64_t size() const override { return size_; }
    Result<std::span<const std::byte>> at(std::uint64_t offset, std::size_t at_least = 1) override;

private:
    PackedFile(Descriptor file, std::uint64_t size, std::string path)
        : file_(std::move(file))
        , size_(size)
        , path_(std::move(path)) {}
    Result<> fill(std::uint64_t offset, std::size_t bytes, std::size_t wanted);

    Descriptor file_;
    std::uint64_t size_;
    std::string path_;
    std::vector<std::byte> buffer_;
    std::uint64_t buffer_offset_ = 0;
};

} // namespace lifeboat::host
