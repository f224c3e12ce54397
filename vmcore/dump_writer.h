// SPDX-License-Identifier: GPL-2.0-or-later
// What a dump is written through, whatever its format. The calls come in this order: write_bitmaps() for each
// piece in ascending order (all of them again after set_level()), begin_pages(), then for each page of the
// second bitmap in pfn order one of append(), append_again(), append_zero_page() or lose_page(), and
// finish(); abandon() in place of it when the dump broke off. One thread.
#pragma once

#include "base/result.h"
#include "vmcore/bitmap_piece.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace lifeboat {

// Where a page's data lies in the output.
struct StoredPage {
    std::uint64_t offset = 0;
    std::uint32_t bytes = 0;
    std::uint32_t flags = 0; // how it is compressed (kdump_zstd, ...); 0: not
};

class DumpWriter {
public:
    DumpWriter() = default;
    DumpWriter(const DumpWriter&) = delete;
    DumpWriter& operator=(const DumpWriter&) = delete;
    virtual ~DumpWriter() = default;

    // Pieces that are not written have no page. `dumped` holds no page that `present` has not.
    virtual Result<> write_bitmaps(const BitmapPiece& present, const BitmapPiece& dumped) = 0;
    // The second bitmap's piece as it was written, for the pfns from `first_pfn`.
    virtual Result<> read_dumped(std::uint64_t first_pfn, BitmapPiece& piece) = 0;

    // The dump has another level than the writer was begun with.
    virtual Result<> set_level(unsigned level) = 0;
    // `page_count`: how many pages follow, which is how many bits the second bitmap has.
    virtual Result<> begin_pages(std::uint64_t page_count) = 0;
    virtual Result<StoredPage> append(std::uint64_t pfn, std::span<const std::byte> data,
                                      std::uint32_t flags) = 0;
    // A page with the content of one that was appended before, which lies at `place`.
    virtual Result<> append_again(std::uint64_t pfn, const StoredPage& place) = 0;
    virtual Result<> append_zero_page(std::uint64_t pfn) = 0;
    // A page that has its bit but could not be read: takes the bit back.
    virtual Result<> lose_page(std::uint64_t pfn) = 0;

    // Everything to disk, then the mark that the dump is complete, that to disk.
    virtual Result<> finish() = 0;
    // What is still held is written as far as it goes: errors are not told any more.
    virtual void abandon() = 0;

    [[nodiscard]] virtual std::uint64_t written_bytes() const = 0;
    // Sentences about how it was written, after finish() or abandon().
    virtual void add_remarks(std::vector<std::string>& /*remarks*/) const {}
};

} // namespace lifeboat
