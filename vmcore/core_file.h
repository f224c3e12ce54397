// SPDX-License-Identifier: GPL-2.0-or-later
// A crashed kernel's memory in a file: an ELF core (/proc/vmcore, a raw copy of it, or a filtered one), or a
// kdump-compressed dump that was made before.
#pragma once

#include "base/result.h"
#include "vmcore/bitmap_piece.h"
#include "vmcore/core_image.h"
#include "vmcore/vmcoreinfo.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace lifeboat {

using CoreAccess = FileAccess;

// Immutable after open(); may be read from several threads.
class CoreFile {
public:
    // Fails with corrupt or unsupported when it is neither an ELF64 little-endian core nor a dump whose
    // headers can be true. A file that ends too early, a note that is cut, no VMCOREINFO, or a dump that is
    // marked incomplete opens all the same: see doubts().
    static Result<CoreFile> open(const std::string& path, CoreAccess access = CoreAccess::map);
    // The same of an ELF core alone: a program that opens nothing else is smaller.
    static Result<CoreFile> open_elf(const std::string& path, CoreAccess access = CoreAccess::map);

    [[nodiscard]] const std::string& path() const { return facts().path; }
    [[nodiscard]] std::uint64_t size_bytes() const { return facts().size_bytes; }
    [[nodiscard]] std::uint16_t elf_machine() const { return facts().elf_machine; }
    // The notes' bytes as they are: dump formats carry them on.
    [[nodiscard]] std::span<const std::byte> notes() const { return facts().notes.bytes(); }
    // Where in notes() VMCOREINFO's text begins; 0 when there is none.
    [[nodiscard]] std::uint64_t vmcoreinfo_notes_offset() const { return facts().notes.vmcoreinfo_offset(); }
    // Empty (no keys) when the core has none.
    [[nodiscard]] const Vmcoreinfo& vmcoreinfo() const { return facts().notes.vmcoreinfo(); }
    // The dead kernel's, "6.1.0-56-amd64": by VMCOREINFO, or by a dump's header; empty where neither tells.
    [[nodiscard]] std::string_view release() const;
    // By the notes, or by a dump's header where it has none.
    [[nodiscard]] unsigned cpu_count() const {
        const unsigned noted = facts().notes.cpu_count();
        return noted == 0 && kdump() != nullptr ? kdump()->cpu_count : noted;
    }
    [[nodiscard]] std::uint64_t page_bytes() const { return facts().page_bytes; }
    // One past the highest page frame number that the machine had, as far as the file tells.
    [[nodiscard]] std::uint64_t end_pfn() const { return image_->end_pfn(); }
    // For the pfns of the pieces, which come cleared: the pages of memory that the machine had; of those the
    // ones that were left out when the file was made; and the ones that it holds data of. A page counts when
    // any byte of it does. What is present and neither of the others is lost: the file is truncated.
    Result<> mark_pages(BitmapPiece& present, BitmapPiece& left_out, BitmapPiece& held) const {
        return image_->mark_pages(present, left_out, held);
    }
    // Those of an ELF core, by physical address, not overlapping; none of a dump.
    [[nodiscard]] std::span<const CoreSegment> segments() const { return image_->segments(); }
    // What a kdump-compressed file's headers say; null of an ELF core.
    [[nodiscard]] const KdumpOrigin* kdump() const { return facts().kdump ? &*facts().kdump : nullptr; }
    // The dump level that the file was made with; 0 of an ELF core, which does not tell.
    [[nodiscard]] unsigned level() const { return kdump() == nullptr ? 0 : kdump()->level; }
    // Whether the file ends before something that its headers name.
    [[nodiscard]] bool is_truncated() const { return facts().is_truncated; }
    // What was found wrong at opening, one sentence each, ending in what was done instead.
    [[nodiscard]] const std::vector<std::string>& doubts() const { return facts().doubts; }

    // For CoreReader.
    [[nodiscard]] const CoreImage& image() const { return *image_; }

private:
    explicit CoreFile(std::unique_ptr<const CoreImage> image)
        : image_(std::move(image)) {}
    [[nodiscard]] const CoreFacts& facts() const { return image_->facts(); }

    std::unique_ptr<const CoreImage> image_;
};

} // namespace lifeboat
