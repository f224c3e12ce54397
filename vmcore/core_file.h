// SPDX-License-Identifier: GPL-2.0-or-later
// A crashed kernel's memory as an ELF64 core: /proc/vmcore, or a raw copy of it.
// Source: Linux fs/proc/vmcore.c (merged PT_NOTE, page-rounded PT_LOADs), System V ABI gABI chapter 5.
#pragma once

#include "base/descriptor.h"
#include "base/result.h"
#include "vmcore/bitmap_piece.h"
#include "vmcore/vmcoreinfo.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace lifeboat {

// A PT_LOAD: physical memory that the core holds.
struct CoreSegment {
    std::uint64_t physical_address;
    std::uint64_t virtual_address;
    std::uint64_t file_offset;
    std::uint64_t file_bytes;   // what the file really holds of it: clamped where the file is truncated
    std::uint64_t memory_bytes; // what its header claims
};

// How the core's content is read. Mapped is faster. But a page that the machine cannot read (a memory error,
// a disk error under a file) raises SIGBUS through a mapping, where read(2) fails for that page alone: so a
// second attempt, after a first that died, reads.
enum class CoreAccess : std::uint8_t { map, read };

// Immutable after open(); may be read from several threads.
class CoreFile {
public:
    // Fails with corrupt or unsupported when it is not an ELF64 little-endian core of a known machine. A core
    // that ends too early, a note that is cut, or no VMCOREINFO opens all the same: see doubts().
    static Result<CoreFile> open(const std::string& path, CoreAccess access = CoreAccess::map);

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] int fd() const { return file_.get(); }
    [[nodiscard]] CoreAccess access() const { return access_; }
    [[nodiscard]] std::uint64_t size_bytes() const { return size_bytes_; }
    [[nodiscard]] std::uint16_t elf_machine() const { return elf_machine_; }
    // By physical address, not overlapping.
    [[nodiscard]] std::span<const CoreSegment> segments() const { return segments_; }
    // The PT_NOTE's bytes as they are: dump formats carry them on.
    [[nodiscard]] std::span<const std::byte> notes() const { return notes_; }
    // Where in notes() VMCOREINFO's text begins; 0 when there is none.
    [[nodiscard]] std::uint64_t vmcoreinfo_notes_offset() const { return vmcoreinfo_notes_offset_; }
    // Empty (no keys) when the core has none.
    [[nodiscard]] const Vmcoreinfo& vmcoreinfo() const { return vmcoreinfo_; }
    [[nodiscard]] std::uint64_t page_bytes() const { return page_bytes_; }
    // One past the highest page frame number in any segment.
    [[nodiscard]] std::uint64_t end_pfn() const;
    // For the pfns of the pieces, which come cleared: the pages of memory that the core has, and of those the
    // ones that it holds data of. A page counts when any byte of it does.
    Result<> mark_pages(BitmapPiece& present, BitmapPiece& held) const;
    // What was found wrong at opening, one sentence each, ending in what was done instead.
    [[nodiscard]] const std::vector<std::string>& doubts() const { return doubts_; }

private:
    CoreFile() = default;
    Result<> read_headers();
    Result<> read_notes(std::uint64_t offset, std::uint64_t bytes);
    void find_vmcoreinfo();
    void settle_segments();

    std::string path_;
    CoreAccess access_ = CoreAccess::map;
    Descriptor file_;
    std::uint64_t size_bytes_ = 0;
    std::uint16_t elf_machine_ = 0;
    std::uint64_t page_bytes_ = 4096;
    std::vector<CoreSegment> segments_;
    std::vector<std::byte> notes_;
    std::uint64_t vmcoreinfo_notes_offset_ = 0;
    Vmcoreinfo vmcoreinfo_;
    std::vector<std::string> doubts_;
};

} // namespace lifeboat
