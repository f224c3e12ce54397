// SPDX-License-Identifier: GPL-2.0-or-later
// The engine's one call: a crashed kernel's memory in, a filtered, compressed kdump file out.
//
//     CoreFile core = TRY(CoreFile::open("/proc/vmcore"));
//     const DumpOutcome outcome = write_dump(core, output.get(), options, report);
//
// Memory: a fixed part plus a fixed part for each thread, whatever the size of the dead machine (measured by
// tests/bench). Threads: the call makes its own and joins them before it returns; `report` is called on the
// calling thread only.
#pragma once

#include "base/result.h"
#include "vmcore/core_file.h"

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace lifeboat {

// What a page is to the filter. The order is that in which the summary names them.
enum class PageClass : std::uint8_t {
    kept,          // the kernel's own, or in doubt
    cache,         // page cache without private data (level bit 2)
    cache_private, // page cache with private data (level bits 2 and 4)
    user,          // anonymous memory, hugetlb (level bit 8)
    free,          // in the buddy allocator (level bit 16)
    hwpoison,      // a memory error was seen there: reading it may kill the machine; always left out
    offline,       // ballooned or unplugged: always left out
};
constexpr std::size_t page_class_count = 7;

// "kept", "cache", ...: as in the summary line and in docs/formats.md.
std::string_view name_of(PageClass page_class);

// The dump level: a sum of these, 0..31, as makedumpfile's -d.
enum DumpLevelBit : unsigned {
    exclude_zero = 1,
    exclude_cache = 2,
    exclude_cache_private = 4,
    exclude_user = 8,
    exclude_free = 16,
};
constexpr unsigned dump_level_maximum = 31;

struct Compression {
    enum class Method : std::uint8_t { none, zstd, zlib };
    Method method = Method::zstd;
    int level = 1; // zstd: -7..19 without 0; zlib: 1..9
};
// "none", "zstd", "zstd:3", "zlib", "zlib:6"
Result<Compression> parse_compression(std::string_view text);

enum class DumpFormat : std::uint8_t {
    kdump, // kdump-compressed
    elf,   // an ELF core whose segments name more memory than they hold; never compressed
};

struct DumpOptions {
    unsigned level = dump_level_maximum;
    Compression compression;
    unsigned threads = 1; // at least 1; more are not used than there is work for
    // How many pages are remembered to find identical ones; 0: they are not looked for.
    std::size_t identical_table_pages = std::size_t{1} << 14;
    DumpFormat format = DumpFormat::kdump;
    // Asked where the dump is not expected to fit, before more is left out of it: may free some of the
    // output's file system, until so many bytes are free. May be empty.
    std::function<void(std::uint64_t wanted_bytes)> make_room;
};

struct DumpProgress {
    enum class Phase : std::uint8_t { scanning, copying };
    Phase phase = Phase::scanning;
    std::uint64_t done_pages = 0;
    std::uint64_t total_pages = 0; // of this phase
    std::uint64_t written_bytes = 0;
};

struct DumpSummary {
    std::array<std::uint64_t, page_class_count> pages_by_class{}; // every page of memory, by what it is
    std::uint64_t present_pages = 0;                              // in the core
    // Of those, what was left out already when the core, a dump itself, was made.
    std::uint64_t left_out_pages = 0;
    std::uint64_t dumped_pages = 0; // with a descriptor in the dump
    std::uint64_t zero_pages = 0;   // of the dumped ones, those that are all zero and share one page's data
    std::uint64_t identical_pages = 0;  // of the others, those that share the data of one before
    std::uint64_t unreadable_pages = 0; // meant for the dump but left out: they could not be read
    std::uint64_t written_bytes = 0;    // the dump's size
    // That of the dump: a higher one than was asked for where the space is too small, a lower one where the
    // core does not tell which pages to leave out.
    unsigned level = 0;
    unsigned unfilterable = 0; // the bits of any level whose pages the core does not tell: those are kept
    // How it was written, where that was not as usual, one sentence each.
    std::vector<std::string> remarks;
    // What was doubted, one sentence each, ending in what was done instead ("..., keeping its pages").
    std::vector<std::string> doubts;

    [[nodiscard]] std::uint64_t pages(PageClass page_class) const {
        return pages_by_class[static_cast<std::size_t>(page_class)];
    }
};

struct DumpOutcome {
    DumpSummary summary; // true also of a dump that broke off
    std::optional<Error> error;
};

// Called often: several times a second of work.
using ProgressReport = std::function<void(const DumpProgress&)>;

// Writes the dump to `output_fd`, an empty regular file that is open for reading and writing. On success it
// is complete, synced (fdatasync) and its header says so. On failure it is as it got, its header marked
// incomplete and what stands in it readable.
DumpOutcome write_dump(const CoreFile& core, int output_fd, const DumpOptions& options,
                       const ProgressReport& report);

} // namespace lifeboat
