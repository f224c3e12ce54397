// SPDX-License-Identifier: GPL-2.0-or-later
// The dead kernel's virtual memory. One for each thread.
#pragma once

#include "base/result.h"
#include "vmcore/address_space.h"
#include "vmcore/core_file.h"
#include "vmcore/core_reader.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace lifeboat {

class KernelMemory {
public:
    // `core` must outlive it. Fails as make_address_space() does.
    static Result<KernelMemory> open(const CoreFile& core);

    // The bytes from `address`, at least one and at most `at_most`: as many as lie in one page-table entry's
    // reach and one window of the reader. The view holds until the third further call.
    Result<std::span<const std::byte>> view(std::uint64_t address, std::uint64_t at_most);
    Result<> read(std::uint64_t address, std::span<std::byte> bytes);
    // As CoreReader::peek(); fails with no_data too where they cross the reach of a page-table entry.
    Result<> peek(std::uint64_t address, std::span<std::byte> bytes);

    template <class Value>
    Result<Value> read_value(std::uint64_t address) {
        Value value{};
        TRY(read(address, std::as_writable_bytes(std::span(&value, 1))));
        return value;
    }
    // Up to the first zero byte, at most `at_most` bytes.
    Result<std::string> read_string(std::uint64_t address, std::size_t at_most);

private:
    KernelMemory(const CoreFile& core, std::unique_ptr<AddressSpace> space)
        : space_(std::move(space))
        , tables_(core)
        , data_(core) {}

    Result<AddressRange> translate(std::uint64_t address);

    std::unique_ptr<AddressSpace> space_;
    CoreReader tables_; // apart from data_, so that a walk does not take the data's windows away
    CoreReader data_;
    AddressRange last_{0, 0, 0};
};

} // namespace lifeboat
