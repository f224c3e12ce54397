// SPDX-License-Identifier: GPL-2.0-or-later
// walk_memmap filter|touch|populate|read|stream CORE [THREADS]: how fast a core's memmap is walked, and how
// fast it could be.
//
// "filter" judges every page as a dump of level 31 does, on so many threads, and writes nothing. "touch"
// reads one word of each struct page through mapped windows and does nothing with it; "populate" the same
// with the windows' pages mapped at once; "read" the same from a buffer that is read into; "stream" the same
// with all of it mapped, and read once before the clock starts, which is what the memory alone allows. Prints
// one line: seconds=S cpu=S pages=N, and for "filter" how many pages are kept.
#include "base/descriptor.h"
#include "base/mapping.h"
#include "base/scope_guard.h"
#include "base/text.h"
#include "tests/bench/stopwatch.h"
#include "vmcore/address_space.h"
#include "vmcore/memmap_scan.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <format>
#include <vector>

#include <sys/mman.h>

namespace lifeboat::bench {

namespace {

Result<> walk_filter(const CoreFile& core, unsigned threads) {
    const Stopwatch stopwatch;
    DumpSummary summary;
    MemmapScan scan = MemmapScan::open(core, dump_level_maximum, threads, summary.doubts);
    std::uint64_t pages = 0;
    std::uint64_t kept = 0;
    TRY(scan.run([&](const ScannedPiece& piece) -> Result<> {
        pages += piece.present_pages;
        kept += piece.dumped.count();
        return {};
    }));
    scan.add_to(summary);
    for (const std::string& doubt : summary.doubts)
        std::fputs((doubt + "\n").c_str(), stderr);
    std::puts(std::format("{} pages={} kept={}", stopwatch.read(), pages, kept).c_str());
    return {};
}

// Where a core's struct pages lie in its file, in pieces, those of each section of memory that there is.
struct StructPages {
    struct Piece {
        std::uint64_t file_offset;
        std::uint64_t bytes;
    };
    std::vector<Piece> pieces;
    std::uint64_t struct_bytes = 64;
    std::uint64_t bytes = 0;
    Descriptor file;
};

Result<> add_section(StructPages& found, const CoreFile& core, const AddressSpace& space, CoreReader& reader,
                     std::uint64_t address, std::uint64_t bytes) {
    while (bytes > 0) {
        const AddressRange range = TRY(space.translate(address, reader));
        const std::uint64_t into = address - range.virtual_address;
        const std::uint64_t part = std::min(bytes, range.bytes - into);
        for (const CoreSegment& segment : core.segments())
            if (range.physical_address - segment.physical_address < segment.file_bytes)
                found.pieces.push_back(
                    {segment.file_offset + range.physical_address + into - segment.physical_address, part});
        found.bytes += part;
        address += part;
        bytes -= part;
    }
    return {};
}

Result<StructPages> find_struct_pages(const CoreFile& core) {
    KernelMemory memory = TRY(KernelMemory::open(core));
    const Memmap memmap = TRY(Memmap::open(core.vmcoreinfo(), core.page_bytes(), memory));
    const auto space = TRY(make_address_space(core));
    CoreReader reader(core);
    StructPages found;
    found.file = TRY(open_file(core.path(), O_RDONLY));
    found.struct_bytes = core.vmcoreinfo().size("page").value_or(found.struct_bytes);
    const std::uint64_t section_bytes = memmap.pages_per_section() * core.page_bytes();
    std::uint64_t section = 0;
    for (const CoreSegment& segment : core.segments()) {
        const std::uint64_t end = segment.physical_address + segment.memory_bytes;
        section = std::max(section, segment.physical_address / section_bytes);
        for (; section * section_bytes < end; ++section)
            if (const auto address = TRY(memmap.section_struct_pages(section, memory)))
                TRY(add_section(found, core, *space, reader, *address,
                                memmap.pages_per_section() * found.struct_bytes));
    }
    return found;
}

// One word of each struct page. Four sums, so that no addition waits for the one before.
std::uint64_t touch(std::span<const std::byte> struct_pages, std::uint64_t struct_bytes) {
    const std::byte* page = struct_pages.data();
    const std::byte* end = page + struct_pages.size();
    const auto word = [](const std::byte* at) {
        std::uint64_t value = 0;
        std::memcpy(&value, at, sizeof(value));
        return value;
    };
    std::uint64_t sums[4] = {};
    for (; page + 4 * struct_bytes <= end; page += 4 * struct_bytes)
        for (unsigned i = 0; i < 4; ++i)
            sums[i] += word(page + i * struct_bytes);
    return sums[0] + sums[1] + sums[2] + sums[3];
}

void print_touched(const std::string& time, const StructPages& struct_pages, std::uint64_t sum) {
    std::puts(std::format("{} pages={} sum={:x}", time, struct_pages.bytes / struct_pages.struct_bytes, sum)
                  .c_str());
}

// Through windows as the engine has them, one at a time.
Result<> touch_through_windows(const CoreFile& core, int more_flags) {
    constexpr std::uint64_t window_bytes = std::uint64_t{4} << 20;
    const StructPages struct_pages = TRY(find_struct_pages(core));
    const std::byte* window = nullptr;
    std::uint64_t window_offset = ~std::uint64_t{0};
    const auto unmap = [&] {
        if (window != nullptr)
            ::munmap(const_cast<std::byte*>(window), window_bytes);
    };
    const ScopeGuard unmap_last(unmap);
    std::uint64_t sum = 0;
    const Stopwatch stopwatch;
    for (auto [offset, bytes] : struct_pages.pieces)
        while (bytes > 0) {
            if (offset - window_offset >= window_bytes) {
                unmap();
                window_offset = offset / window_bytes * window_bytes;
                void* mapped = ::mmap(nullptr, window_bytes, PROT_READ, MAP_SHARED | more_flags,
                                      struct_pages.file.get(), static_cast<off_t>(window_offset));
                if (mapped == MAP_FAILED)
                    return fail_system("map {} bytes of '{}'", window_bytes, core.path());
                window = static_cast<const std::byte*>(mapped);
            }
            const std::uint64_t part = std::min(bytes, window_offset + window_bytes - offset);
            sum += touch({window + (offset - window_offset), part}, struct_pages.struct_bytes);
            offset += part;
            bytes -= part;
        }
    print_touched(stopwatch.read(), struct_pages, sum);
    return {};
}

// Read into a buffer that stays in the cache: the kernel copies, and makes no page tables.
Result<> touch_read(const CoreFile& core) {
    constexpr std::uint64_t buffer_bytes = std::uint64_t{128} << 10;
    const StructPages struct_pages = TRY(find_struct_pages(core));
    std::vector<std::byte> buffer(buffer_bytes);
    std::uint64_t sum = 0;
    const Stopwatch stopwatch;
    for (auto [offset, bytes] : struct_pages.pieces)
        while (bytes > 0) {
            const auto part = std::span(buffer).first(std::min(bytes, buffer_bytes));
            TRY(read_exactly_at(struct_pages.file.get(), part, offset, core.path()));
            sum += touch(part, struct_pages.struct_bytes);
            offset += part.size();
            bytes -= part.size();
        }
    print_touched(stopwatch.read(), struct_pages, sum);
    return {};
}

Result<> touch_mapped_before(const CoreFile& core) {
    const StructPages struct_pages = TRY(find_struct_pages(core));
    const Mapping mapping = TRY(Mapping::of_file(struct_pages.file.get(), 0, core.size_bytes(), core.path()));
    const auto touch_all = [&] {
        std::uint64_t sum = 0;
        for (const auto& [offset, bytes] : struct_pages.pieces)
            sum += touch(mapping.bytes().subspan(offset, bytes), struct_pages.struct_bytes);
        return sum;
    };
    const std::uint64_t before = touch_all(); // which makes the page tables
    const Stopwatch stopwatch;
    const std::uint64_t sum = touch_all();
    print_touched(stopwatch.read(), struct_pages, sum ^ before);
    return {};
}

Result<> walk(std::string_view how, const std::string& path, unsigned threads) {
    const CoreFile core = TRY(CoreFile::open(path));
    if (how == "filter")
        return walk_filter(core, threads);
    if (how == "touch")
        return touch_through_windows(core, 0);
    if (how == "populate")
        return touch_through_windows(core, MAP_POPULATE);
    if (how == "read")
        return touch_read(core);
    if (how == "stream")
        return touch_mapped_before(core);
    return fail(ErrorKind::invalid, "'{}' is not known: filter, touch, populate, read or stream", how);
}

} // namespace

} // namespace lifeboat::bench

int main(int argc, char** argv) {
    const auto threads = lifeboat::parse_in_range(argc > 3 ? argv[3] : "1", 1, 64);
    if (argc < 3 || argc > 4 || !threads) {
        std::fputs("usage: walk_memmap filter|touch|populate|read|stream CORE [THREADS]\n", stderr);
        return 2;
    }
    const auto done = lifeboat::bench::walk(argv[1], argv[2], static_cast<unsigned>(*threads));
    if (!done)
        std::fputs(std::format("walk_memmap: {}\n", done.error().text).c_str(), stderr);
    return done ? 0 : 1;
}
