// SPDX-License-Identifier: GPL-2.0-or-later
// Writes a kdump-compressed file. Until finish() returns the header says that the file is incomplete. A
// descriptor is written after the data that it points to, so that what stands in a file that broke off can be
// read.
#pragma once

#include "base/result.h"
#include "vmcore/block_output.h"
#include "vmcore/core_file.h"
#include "vmcore/dump.h"
#include "vmcore/dump_digest.h"
#include "vmcore/dump_writer.h"
#include "vmcore/kdump_format.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace lifeboat {

class KdumpWriter final : public DumpWriter {
public:
    // `fd` is an empty regular file, open for reading and writing; it stays the caller's.
    static Result<std::unique_ptr<KdumpWriter>> begin(int fd, const CoreFile& core,
                                                      const DumpOptions& options);

    Result<> write_bitmaps(const BitmapPiece& present, const BitmapPiece& dumped) override;
    Result<> read_dumped(std::uint64_t first_pfn, BitmapPiece& piece) override;
    Result<> set_level(unsigned level) override;
    // Reserves room for that many descriptors: they can then be written even when the disk is full.
    Result<> begin_pages(std::uint64_t page_count) override;
    Result<StoredPage> append(std::uint64_t pfn, std::span<const std::byte> data,
                              std::uint32_t flags) override;
    Result<> append_again(std::uint64_t pfn, const StoredPage& place) override;
    // All zero pages share the data of the first.
    Result<> append_zero_page(std::uint64_t pfn) override;
    Result<> lose_page(std::uint64_t pfn) override;
    Result<> finish() override;
    void abandon() override;

    void add_remarks(std::vector<std::string>& remarks) const override;
    [[nodiscard]] std::uint64_t written_bytes() const override {
        return data_ ? data_->end() + trailer_bytes_ : headers_end_;
    }

private:
    KdumpWriter(int fd, std::uint64_t block_bytes)
        : fd_(fd)
        , block_bytes_(block_bytes) {}

    Result<> write_headers(const CoreFile& core, const DumpOptions& options);
    Result<> write_status(std::uint32_t status);
    Result<> write_trailer();
    Result<> reserve_headers();
    Result<> reserve(std::uint64_t offset, std::uint64_t bytes);
    Result<DumpDigest::Value> digest_headers();
    Result<> describe(const StoredPage& place);
    Result<> flush_descriptors();

    int fd_;
    std::uint64_t block_bytes_;
    std::uint32_t compression_flag_ = 0;
    std::uint64_t bitmap1_offset_ = 0;
    std::uint64_t bitmap_bytes_ = 0; // of one
    std::uint64_t descriptors_end_ = 0;
    std::uint64_t descriptors_limit_ = 0;
    std::vector<KdumpPageDescriptor> descriptors_; // not yet written
    std::size_t flush_at_ = 0;                     // when so many are held
    std::uint64_t headers_end_ = 0;
    std::unique_ptr<BlockOutput> data_; // from begin_pages() on
    std::uint64_t descriptors_offset_ = 0;
    DumpDigest descriptors_digest_; // of what is written
    DumpDigest data_digest_;        // of what was appended
    std::uint64_t trailer_bytes_ = 0;
    StoredPage zero_page_{};
};

} // namespace lifeboat
