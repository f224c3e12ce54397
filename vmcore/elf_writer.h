// SPDX-License-Identifier: GPL-2.0-or-later
// Writes a filtered ELF core, as makedumpfile -E does: what is left out is memory that segments name and do
// not hold; zero pages are holes in the file.
//
//     ELF header, program headers, section header 0    the last to be written, the ELF header after all else
//     notes
//     the pages' data, in pfn order, without gaps
//     the bitmaps                                       while it is being written
//
// Until finish() has come to its end the file begins with zeroes: no reader takes it for a core.
#pragma once

#include "base/mapping.h"
#include "base/result.h"
#include "vmcore/core_file.h"
#include "vmcore/dump_writer.h"
#include "vmcore/virtual_layout.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <elf.h>

namespace lifeboat {

class ElfWriter final : public DumpWriter {
public:
    // `fd` is an empty regular file, open for reading and writing; it stays the caller's. `core` must outlive
    // the writer. Fails with unsupported when the core's machine is not known.
    static Result<std::unique_ptr<ElfWriter>> begin(int fd, const CoreFile& core);

    Result<> write_bitmaps(const BitmapPiece& present, const BitmapPiece& dumped) override;
    Result<> read_dumped(std::uint64_t first_pfn, BitmapPiece& piece) override;
    Result<> set_level(unsigned level) override;
    Result<> begin_pages(std::uint64_t page_count) override;
    // Takes pages as they are: `flags` is 0.
    Result<StoredPage> append(std::uint64_t pfn, std::span<const std::byte> data,
                              std::uint32_t flags) override;
    Result<> append_again(std::uint64_t pfn, const StoredPage& place) override;
    Result<> append_zero_page(std::uint64_t pfn) override;
    Result<> lose_page(std::uint64_t pfn) override;
    Result<> finish() override;
    void abandon() override;

    [[nodiscard]] std::uint64_t written_bytes() const override { return buffer_offset_ + buffered_; }
    void add_remarks(std::vector<std::string>& remarks) const override;

private:
    ElfWriter(int fd, const CoreFile& core);

    using TakeHeader = std::function<Result<>(const Elf64_Phdr&)>;
    Result<> walk_segments(const TakeHeader& take);
    Result<std::uint64_t> count_headers();
    Result<> move_bitmaps(std::uint64_t to);
    Result<> read_bitmap(std::uint64_t bitmap_offset, std::uint64_t first_pfn, BitmapPiece& piece) const;
    Result<> flush();
    Result<> write_program_headers();
    Result<> write_section_header();
    Result<> write_elf_header();
    [[nodiscard]] bool needs_section_header() const { return header_count_ >= PN_XNUM; }

    int fd_;
    const CoreFile& core_;
    std::vector<std::string> remarks_;
    VirtualLayout layout_;
    std::uint64_t page_bytes_;
    std::uint64_t bitmap_bytes_;   // of one
    std::uint64_t bitmaps_offset_; // of the pages present, then of those dumped
    std::uint64_t header_count_ = 0;
    std::uint64_t header_limit_ = 0; // as many as there is room for
    std::uint64_t notes_offset_ = 0;
    std::uint64_t data_offset_ = 0;
    Mapping buffer_;
    std::uint64_t buffer_offset_ = 0; // in the file
    std::size_t buffered_ = 0;
};

} // namespace lifeboat
