// SPDX-License-Identifier: GPL-2.0-or-later
// limit CORE DUMP [page|default]: how fast the pages of a dump can be had at all.
//
// DUMP, a kdump file made of CORE, says which pages. The core is mapped and each of them goes through zstd,
// level 1, with one context and into one buffer: nothing is hashed, described or written. Zero pages are read
// and not compressed, as in a dump. What is not part of that (the dump's bitmap, finding the pages' places in
// the core) is done before the clock starts. "page" sets zstd's windowLog and hashLog to the page's size,
// "default" leaves them as the level has them. Prints one line: seconds=S cpu=S pages=N zero=N bytes_in=N
// bytes_out=N
#include "base/descriptor.h"
#include "base/mapping.h"
#include "tests/bench/stopwatch.h"
#include "vmcore/core_file.h"
#include "vmcore/kdump_format.h"

#include <array>
#include <bit>
#include <cstdio>
#include <cstring>
#include <format>

#include <zstd.h>

namespace lifeboat::bench {

namespace {

// The places in the core of the pages that the dump's second bitmap has, in the dump's order.
Result<std::vector<std::uint64_t>> find_pages(const CoreFile& core, const std::string& dump_path) {
    const Descriptor dump = TRY(open_file(dump_path, O_RDONLY));
    KdumpHeader header{};
    KdumpSubHeader sub_header{};
    TRY(read_exactly_at(dump.get(), std::as_writable_bytes(std::span(&header, 1)), 0, dump_path));
    TRY(read_exactly_at(dump.get(), std::as_writable_bytes(std::span(&sub_header, 1)),
                        static_cast<std::uint64_t>(header.block_bytes), dump_path));
    if (std::memcmp(header.signature, kdump_signature, sizeof(header.signature)) != 0)
        return fail(ErrorKind::corrupt, "read '{}': not a kdump file", dump_path);
    const auto block_bytes = static_cast<std::uint64_t>(header.block_bytes);
    const std::uint64_t bitmap_bytes = header.bitmap_blocks / 2 * block_bytes;
    const std::uint64_t bitmap_at =
        (1 + static_cast<std::uint64_t>(header.sub_header_blocks)) * block_bytes + bitmap_bytes;
    std::vector<std::byte> bitmap(bitmap_bytes);
    TRY(read_exactly_at(dump.get(), bitmap, bitmap_at, dump_path));

    std::vector<std::uint64_t> places;
    for (const CoreSegment& segment : core.segments()) {
        const std::uint64_t first = (segment.physical_address + block_bytes - 1) / block_bytes;
        const std::uint64_t end = (segment.physical_address + segment.file_bytes) / block_bytes;
        for (std::uint64_t pfn = first; pfn < end && pfn / 8 < bitmap.size(); ++pfn)
            if ((bitmap[pfn / 8] >> pfn % 8 & std::byte{1}) != std::byte{0})
                places.push_back(segment.file_offset + pfn * block_bytes - segment.physical_address);
    }
    return places;
}

bool is_zero(std::span<const std::byte> page) {
    constexpr std::size_t step = 512;
    for (std::size_t at = 0; at < page.size(); at += step) {
        std::array<std::uint64_t, step / 8> words;
        std::memcpy(words.data(), page.data() + at, step);
        std::uint64_t any = 0;
        for (const std::uint64_t word : words)
            any |= word;
        if (any != 0)
            return false;
    }
    return true;
}

Result<> measure(const std::string& core_path, const std::string& dump_path, bool page_parameters) {
    const CoreFile core = TRY(CoreFile::open(core_path));
    const std::vector<std::uint64_t> places = TRY(find_pages(core, dump_path));
    const Descriptor file = TRY(open_file(core_path, O_RDONLY));
    const Mapping mapping = TRY(Mapping::of_file(file.get(), 0, core.size_bytes(), core_path));
    const std::uint64_t page_bytes = core.page_bytes();
    ZSTD_CCtx* context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, 1);
    if (page_parameters) {
        const int page_log = std::bit_width(page_bytes) - 1;
        ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, page_log);
        ZSTD_CCtx_setParameter(context, ZSTD_c_hashLog, page_log);
    }
    std::vector<std::byte> output(page_bytes);
    std::uint64_t zero_pages = 0;
    std::uint64_t bytes_out = 0;

    const Stopwatch stopwatch;
    for (const std::uint64_t place : places) {
        const auto page = mapping.bytes().subspan(place, page_bytes);
        if (is_zero(page)) {
            ++zero_pages;
            continue;
        }
        const std::size_t bytes =
            ZSTD_compress2(context, output.data(), page_bytes - 1, page.data(), page_bytes);
        bytes_out += ZSTD_isError(bytes) != 0 ? page_bytes : bytes;
    }
    const std::string time = stopwatch.read();
    std::puts(std::format("{} pages={} zero={} bytes_in={} bytes_out={}", time, places.size(), zero_pages,
                          (places.size() - zero_pages) * page_bytes, bytes_out)
                  .c_str());
    return {};
}

} // namespace

} // namespace lifeboat::bench

int main(int argc, char** argv) {
    const std::string parameters = argc > 3 ? argv[3] : "page";
    if (argc < 3 || argc > 4 || (parameters != "page" && parameters != "default")) {
        std::fputs("usage: limit CORE DUMP [page|default]\n", stderr);
        return 2;
    }
    const auto done = lifeboat::bench::measure(argv[1], argv[2], parameters == "page");
    if (!done)
        std::fputs(std::format("limit: {}\n", done.error().text).c_str(), stderr);
    return done ? 0 : 1;
}
