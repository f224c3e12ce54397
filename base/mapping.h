// SPDX-License-Identifier: GPL-2.0-or-later
// An owned memory mapping: unmapped when it goes.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace lifeboat {

class Mapping {
public:
    Mapping() = default;
    Mapping(Mapping&& other) noexcept
        : bytes_(std::exchange(other.bytes_, {})) {}
    Mapping& operator=(Mapping&& other) noexcept;
    ~Mapping() { reset(); }

    // `length` bytes of the file from `offset` (both multiples of the page size), read-only and shared.
    // Touching a page past the file's end raises SIGBUS: the caller checks the size before.
    static Result<Mapping> of_file(int fd, std::uint64_t offset, std::size_t length, std::string_view name);
    // `length` bytes of zeroed private memory, page aligned.
    static Result<Mapping> anonymous(std::size_t length);

    [[nodiscard]] std::span<std::byte> bytes() const { return bytes_; }
    [[nodiscard]] bool is_mapped() const { return !bytes_.empty(); }
    void reset();

private:
    explicit Mapping(std::span<std::byte> bytes)
        : bytes_(bytes) {}

    std::span<std::byte> bytes_;
};

} // namespace lifeboat
