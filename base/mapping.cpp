// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/mapping.h"

#include <sys/mman.h>

namespace lifeboat {

Mapping& Mapping::operator=(Mapping&& other) noexcept {
    if (this != &other) {
        reset();
        bytes_ = std::exchange(other.bytes_, {});
    }
    return *this;
}

void Mapping::reset() {
    if (!bytes_.empty())
        ::munmap(bytes_.data(), bytes_.size());
    bytes_ = {};
}

Result<Mapping> Mapping::of_file(int fd, std::uint64_t offset, std::size_t length, std::string_view name) {
    void* address = ::mmap(nullptr, length, PROT_READ, MAP_SHARED, fd, static_cast<off_t>(offset));
    if (address == MAP_FAILED)
        return fail_system("map {} bytes of '{}' at {:#x}", length, name, offset);
    return Mapping({static_cast<std::byte*>(address), length});
}

Result<Mapping> Mapping::anonymous(std::size_t length) {
    void* address = ::mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (address == MAP_FAILED)
        return fail_system("map {} bytes of memory", length);
    return Mapping({static_cast<std::byte*>(address), length});
}

} // namespace lifeboat
