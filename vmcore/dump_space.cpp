// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/dump_space.h"

#include "base/free_space.h"
#include "vmcore/core_reader.h"
#include "vmcore/kdump_format.h"
#include "vmcore/page_compressor.h"
#include "vmcore/page_content.h"

#include <algorithm>
#include <vector>

#include <sys/stat.h>

namespace lifeboat {

namespace {

constexpr std::uint64_t sample_pages = 1024;

// What the pages of a sample take, compressed.
class Sample {
public:
    static Result<Sample> make(const CoreFile& core, Compression compression) {
        return Sample(core, TRY(PageCompressor::make(compression)));
    }

    void add(std::uint64_t pfn) {
        ++pages_;
        const auto content = reader_.view_page(pfn);
        if (content && !is_zero_page(*content))
            bytes_ += compressor_.compress(*content, output_).bytes;
    }

    [[nodiscard]] std::uint64_t bytes_for(std::uint64_t page_count) const {
        return pages_ == 0
                   ? 0
                   : static_cast<std::uint64_t>(static_cast<double>(bytes_) / static_cast<double>(pages_) *
                                                static_cast<double>(page_count));
    }

private:
    Sample(const CoreFile& core, PageCompressor compressor)
        : reader_(core)
        , compressor_(std::move(compressor))
        , output_(core.page_bytes()) {}

    CoreReader reader_;
    PageCompressor compressor_;
    std::vector<std::byte> output_;
    std::uint64_t pages_ = 0;
    std::uint64_t bytes_ = 0;
};

Result<std::uint64_t> expected_data_bytes(const CoreFile& core, DumpWriter& writer, std::uint64_t page_count,
                                          Compression compression) {
    Sample sample = TRY(Sample::make(core, compression));
    const std::uint64_t step = std::max<std::uint64_t>(page_count / sample_pages, 1);
    std::uint64_t until_next = step / 2;
    BitmapPiece piece;
    for (std::uint64_t first = 0; first < core.end_pfn(); first += BitmapPiece::pages) {
        TRY(writer.read_dumped(first, piece));
        const std::uint64_t count = piece.count();
        if (count <= until_next) {
            until_next -= count;
            continue;
        }
        for (std::uint64_t pfn = first; (pfn = piece.next_set(pfn)) < piece.end_pfn(); ++pfn)
            if (until_next-- == 0) {
                sample.add(pfn);
                until_next = step - 1;
            }
    }
    return sample.bytes_for(page_count);
}

// Of what is written, what takes room on the disk: bitmaps of addresses without memory are holes in the file.
std::uint64_t bytes_without_holes(int fd, std::uint64_t written_bytes) {
    struct stat status{};
    if (::fstat(fd, &status) != 0)
        return written_bytes;
    return std::min(written_bytes, static_cast<std::uint64_t>(status.st_blocks) * 512); // stat(2)
}

} // namespace

Result<DumpSpace> forecast_dump_space(const CoreFile& core, int output_fd, DumpWriter& writer,
                                      std::uint64_t page_count, Compression compression) {
    const std::uint64_t before_data =
        bytes_without_holes(output_fd, writer.written_bytes()) + page_count * sizeof(KdumpPageDescriptor);
    DumpSpace space;
    space.free_bytes = TRY(free_space_of(output_fd, "the dump")).for_this_process_bytes();
    space.bound_bytes = before_data + page_count * core.page_bytes();
    space.expected_bytes = space.bound_bytes;
    if (!space.is_sure()) {
        const std::uint64_t data = TRY(expected_data_bytes(core, writer, page_count, compression));
        space.expected_bytes = std::min(space.bound_bytes, before_data + data + data / 10);
    }
    return space;
}

} // namespace lifeboat
