// SPDX-License-Identifier: GPL-2.0-or-later
// How a crashed kernel's memory lies in a file. CoreFile and CoreReader are what the engine uses; behind them
// there is one implementation of this for each format.
#pragma once

#include "base/descriptor.h"
#include "base/result.h"
#include "vmcore/bitmap_piece.h"
#include "vmcore/core_notes.h"
#include "vmcore/file_windows.h"
#include "vmcore/kdump_format.h"

#include <bit>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace lifeboat {

// No machine has an address above (x86_64 and arm64: 52 bits); one in a damaged header would make the bitmaps
// fill the disk.
constexpr std::uint64_t physical_limit = std::uint64_t{1} << 52;

// Whether any machine that we know has pages of that size.
constexpr bool is_page_size(std::uint64_t bytes) {
    return std::has_single_bit(bytes) && bytes >= 4096 && bytes <= 65536;
}

// A PT_LOAD: physical memory that the core holds.
struct CoreSegment {
    std::uint64_t physical_address;
    std::uint64_t virtual_address;
    std::uint64_t file_offset;
    std::uint64_t file_bytes;   // what the file really holds of it: clamped where the file is truncated
    std::uint64_t named_bytes;  // what its header says that the file holds
    std::uint64_t memory_bytes; // what it is of the machine's memory; what is not named was left out
};

// What the headers of a dump say that was made before, and that a dump made of it carries on.
struct KdumpOrigin {
    std::int32_t header_version;
    std::uint32_t status;
    unsigned level;
    std::int64_t crash_time; // seconds since 1970, UTC
    unsigned cpu_count;
    KdumpUtsname utsname; // each name ends with a zero byte
};

struct CoreFacts {
    std::string path;
    FileAccess access = FileAccess::map;
    bool reads_map = false; // see WindowedFile
    Descriptor file;
    std::uint64_t size_bytes = 0;
    std::uint16_t elf_machine = 0;
    std::uint64_t page_bytes = 4096;
    CoreNotes notes;
    std::optional<KdumpOrigin> kdump; // of a kdump-compressed file
    bool is_truncated = false;        // the file ends before something that its headers name
    // What was found wrong at opening, one sentence each, ending in what was done instead.
    std::vector<std::string> doubts;

    [[nodiscard]] WindowedFile windowed() const {
        return {file.get(), size_bytes, page_bytes, &path, access, reads_map};
    }
};

// Of one thread. What the functions promise stands in core_reader.h.
class CoreImageReader {
public:
    CoreImageReader() = default;
    CoreImageReader(const CoreImageReader&) = delete;
    CoreImageReader& operator=(const CoreImageReader&) = delete;
    virtual ~CoreImageReader() = default;

    virtual Result<std::span<const std::byte>> view(std::uint64_t physical, std::uint64_t at_most) = 0;
    virtual Result<std::span<const std::byte>> view_page(std::uint64_t pfn) = 0;
    virtual Result<> peek(std::uint64_t physical, std::span<std::byte> bytes) = 0;
};

// Immutable; may be used from several threads. Outlives its readers. What the functions promise stands in
// core_file.h.
class CoreImage {
public:
    explicit CoreImage(CoreFacts facts)
        : facts_(std::move(facts)) {}
    CoreImage(const CoreImage&) = delete;
    CoreImage& operator=(const CoreImage&) = delete;
    virtual ~CoreImage() = default;

    [[nodiscard]] const CoreFacts& facts() const { return facts_; }
    [[nodiscard]] virtual std::uint64_t end_pfn() const = 0;
    [[nodiscard]] virtual std::span<const CoreSegment> segments() const { return {}; }
    virtual Result<> mark_pages(BitmapPiece& present, BitmapPiece& left_out, BitmapPiece& held) const = 0;
    [[nodiscard]] virtual std::unique_ptr<CoreImageReader> make_reader() const = 0;

private:
    CoreFacts facts_;
};

} // namespace lifeboat
