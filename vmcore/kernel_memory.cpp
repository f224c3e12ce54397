// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/kernel_memory.h"

#include <algorithm>
#include <cstring>

namespace lifeboat {

Result<KernelMemory> KernelMemory::open(const CoreFile& core) {
    return KernelMemory(core, TRY(make_address_space(core)));
}

Result<AddressRange> KernelMemory::translate(std::uint64_t address) {
    if (address - last_.virtual_address >= last_.bytes)
        last_ = TRY(space_->translate(address, tables_));
    return last_;
}

Result<std::span<const std::byte>> KernelMemory::view(std::uint64_t address, std::uint64_t at_most) {
    const AddressRange range = TRY(translate(address));
    const std::uint64_t into = address - range.virtual_address;
    return data_.view(range.physical_address + into, std::min(at_most, range.bytes - into));
}

Result<> KernelMemory::read(std::uint64_t address, std::span<std::byte> bytes) {
    while (!bytes.empty()) {
        const auto part = TRY(view(address, bytes.size()));
        std::memcpy(bytes.data(), part.data(), part.size());
        bytes = bytes.subspan(part.size());
        address += part.size();
    }
    return {};
}

Result<> KernelMemory::peek(std::uint64_t address, std::span<std::byte> bytes) {
    const AddressRange range = TRY(translate(address));
    const std::uint64_t into = address - range.virtual_address;
    if (range.bytes - into < bytes.size())
        return fail(ErrorKind::no_data, "read {} bytes at {:#x}: they are not in one piece", bytes.size(),
                    address);
    return data_.peek(range.physical_address + into, bytes);
}

Result<std::string> KernelMemory::read_string(std::uint64_t address, std::size_t at_most) {
    std::string text;
    while (text.size() < at_most) {
        const auto part = TRY(view(address + text.size(), at_most - text.size()));
        const std::string_view characters(reinterpret_cast<const char*>(part.data()), part.size());
        const std::size_t end = characters.find('\0');
        text += characters.substr(0, end);
        if (end != std::string_view::npos)
            break;
    }
    return text;
}

} // namespace lifeboat
