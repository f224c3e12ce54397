// SPDX-License-Identifier: GPL-2.0-or-later
#include "qemu/guest/raw_copy.h"

#include "base/descriptor.h"
#include "qemu/guest/console.h"
#include "qemu/guest/machine.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace guest {

namespace {

constexpr std::size_t window_bytes = std::size_t{16} << 20;
constexpr std::size_t piece_bytes = std::size_t{1} << 20;

bool all_zero(std::span<const std::byte> bytes) {
    return bytes.front() == std::byte{0} &&
           std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

struct FreeMemory {
    void operator()(void* memory) const { std::free(memory); }
};

// The page cache is worth too much in here: the disk is written around it, from aligned memory.
class RawDisk {
public:
    explicit RawDisk(const std::string& device)
        : device_(device)
        , disk_(must(lifeboat::open_file(device, O_WRONLY | O_DIRECT)))
        , buffer_(static_cast<std::byte*>(std::aligned_alloc(4096, piece_bytes))) {}

    void write(std::span<const std::byte> piece, std::uint64_t offset) {
        if (all_zero(piece))
            return;
        std::memcpy(buffer_.get(), piece.data(), piece.size());
        must(lifeboat::write_all_at(disk_.get(), {buffer_.get(), piece.size()}, offset, device_));
    }

private:
    std::string device_;
    lifeboat::Descriptor disk_;
    std::unique_ptr<std::byte, FreeMemory> buffer_;
};

void copy_window(int core, std::uint64_t offset, std::size_t size_bytes, RawDisk& disk) {
    void* window = mmap(nullptr, size_bytes, PROT_READ, MAP_PRIVATE, core, static_cast<off_t>(offset));
    if (window == MAP_FAILED)
        give_up(std::format("map '/proc/vmcore' at {:#x}: {}", offset, std::strerror(errno)));
    const std::span<const std::byte> bytes(static_cast<const std::byte*>(window), size_bytes);
    for (std::size_t at = 0; at < size_bytes; at += piece_bytes)
        disk.write(bytes.subspan(at, std::min(piece_bytes, size_bytes - at)), offset + at);
    munmap(window, size_bytes);
}

} // namespace

void copy_raw_vmcore() {
    const auto core = must(lifeboat::open_file("/proc/vmcore", O_RDONLY));
    struct stat facts{};
    must_call(fstat(core.get(), &facts), "stat '/proc/vmcore'");
    const auto size_bytes = static_cast<std::uint64_t>(facts.st_size);
    RawDisk disk(find_disk("guest-raw"));
    say("copies {} bytes of '/proc/vmcore'", size_bytes);
    for (std::uint64_t offset = 0; offset < size_bytes; offset += window_bytes)
        copy_window(core.get(), offset, std::min<std::uint64_t>(window_bytes, size_bytes - offset), disk);
    say("raw vmcore size={}", size_bytes);
}

} // namespace guest
