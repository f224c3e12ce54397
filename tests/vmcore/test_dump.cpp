// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/builders/kdump_reader.h"
#include "tests/error_text.h"
#include "tests/vmcore/colliding_pages.h"
#include "tests/vmcore/forbidden_calls.h"
#include "tests/vmcore/written_core.h"
#include "vmcore/dump.h"
#include "vmcore/kdump_writer.h"

#include <algorithm>
#include <csignal>
#include <format>
#include <set>

#include <doctest/doctest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace lifeboat;
using namespace lifeboat::tests;

namespace {

constexpr std::string_view varied = R"(
machine cpus 3
ram 0x1100..0x9fc00
ram 0x100000..0x1c00000
ram 0x8000000..0x8400000
fill 0x1..0x40 text "some words of a kernel "
fill 0x40..0x80 random
fill 0x9f byte 0x5a
fill 0x100..0x400 random
fill 0x400..0x600 text "more of them"
fill 0x8000..0x8400 text "the other section"
page 0x10..0x18 lru
page 0x20 buddy order 4
page 0x100..0x180 anon
page 0x200 anon order 9
page 0x8100 buddy order 8
page 0x8200 hwpoison
log "Linux version" at 0
)";

void ignore_progress(const DumpProgress&) {}

DumpOutcome dump(const CoreFile& core, const std::string& path, DumpOptions options = {}) {
    const Descriptor output = open_file(path, O_RDWR | O_CREAT | O_TRUNC, 0600).value();
    return write_dump(core, output.get(), options, ignore_progress);
}

// How many pages have the content that they had; those whose descriptor says that they were lost do not.
struct Compared {
    std::uint64_t same = 0;
    std::uint64_t different = 0;
    std::uint64_t lost = 0;
};

Compared compare(const KdumpFile& file, const BuiltCore& built) {
    Compared compared;
    for (std::size_t i = 0; i < file.dumped.size(); ++i) {
        const auto page = file.page(i);
        if (!page)
            ++compared.lost;
        else if (*page == built.page(file.dumped[i]))
            ++compared.same;
        else
            ++compared.different;
    }
    return compared;
}

std::uint64_t zero_pages(const BuiltCore& built, const std::vector<std::uint64_t>& pfns) {
    return static_cast<std::uint64_t>(
        std::ranges::count_if(pfns, [&](std::uint64_t pfn) { return built.page(pfn) == PageBytes{}; }));
}

// The limit on the size of the files that this process writes, while it lives.
class FileSizeLimit {
public:
    explicit FileSizeLimit(std::uint64_t bytes) {
        std::signal(SIGXFSZ, SIG_IGN);
        ::getrlimit(RLIMIT_FSIZE, &before_);
        rlimit limit = before_;
        limit.rlim_cur = bytes;
        REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
    }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;
    ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }

private:
    rlimit before_{};
};

} // namespace

TEST_CASE("what is dumped is read back, at several levels and compressions") {
    const WrittenCore written(varied);
    const CoreFile core = written.open();
    for (const unsigned level : {0U, 1U, 16U, 31U})
        for (const Compression compression :
             {Compression{Compression::Method::zstd, 1}, Compression{Compression::Method::none, 0}}) {
            CAPTURE(level);
            const std::string path = written.folder.path("dump");
            const DumpOutcome outcome = dump(core, path, {.level = level, .compression = compression});
            REQUIRE_FALSE(outcome.error);
            CHECK(outcome.summary.doubts.empty());

            const KdumpFile file(path);
            CHECK(file.is_complete());
            CHECK(file.status == (compression.method == Compression::Method::zstd ? 0x20 : 0));
            CHECK(file.version == 6);
            CHECK(file.block_bytes == 4096);
            CHECK(file.cpu_count == 3);
            CHECK(file.dump_level == static_cast<int>(level));
            CHECK(file.phys_base == written.built.phys_base());
            CHECK(file.max_mapnr == written.built.end_pfn());
            CHECK(file.node_name == "testhost");
            CHECK(file.release == "6.1.0-test");
            CHECK(file.crash_time == 1700000000);
            CHECK(file.vmcoreinfo == written.built.vmcoreinfo());
            CHECK(file.notes.size() == written.built.notes_bytes());
            CHECK(file.present == written.built.present_pfns());
            CHECK(file.dumped == written.built.expected_pfns(level));
            CHECK(compare(file, written.built).same == file.dumped.size());

            CHECK(outcome.summary.present_pages == file.present.size());
            CHECK(outcome.summary.dumped_pages == file.dumped.size());
            CHECK(outcome.summary.zero_pages == zero_pages(written.built, file.dumped));
            CHECK(outcome.summary.unreadable_pages == 0);
            CHECK(outcome.summary.written_bytes == file.file_bytes);
        }
}

TEST_CASE("zero pages share one page's data, and pages follow each other in order without a gap") {
    const WrittenCore written(varied);
    const std::string path = written.folder.path("dump");
    REQUIRE_FALSE(dump(written.open(), path).error);
    const KdumpFile file(path);
    std::set<std::uint64_t> zero_offsets;
    std::uint64_t next = (file.data_at + 4095) / 4096 * 4096;
    for (std::size_t i = 0; i < file.dumped.size(); ++i) {
        const KdumpFile::Descriptor& descriptor = file.descriptors[i];
        CHECK(descriptor.page_flags == 0);
        if (written.built.page(file.dumped[i]) == PageBytes{} &&
            !zero_offsets.insert(descriptor.offset).second)
            continue;
        if (descriptor.offset < next)
            continue; // it shares the data of an identical page
        REQUIRE(descriptor.offset == next);
        next += descriptor.bytes;
    }
    CHECK(zero_offsets.size() == 1);
    CHECK(next + sizeof(KdumpTrailer) == file.file_bytes);
}

TEST_CASE("identical pages share data, and pages that only collide do not") {
    const WrittenCore written(small_machine("fill 0x10..0x20 byte 0x5a"), [](BuiltCore& built) {
        for (std::uint64_t i = 0; i < 16; ++i)
            built.memory().write((0x30 + i) * page_bytes, colliding_page(i % 4));
    });
    const CoreFile core = written.open();
    for (const unsigned threads : {1U, 3U}) {
        DumpOptions options;
        options.threads = threads;
        const std::string path = written.folder.path("dump");
        const DumpOutcome outcome = dump(core, path, options);
        REQUIRE_FALSE(outcome.error);
        const KdumpFile file(path);
        CHECK(compare(file, written.built).different == 0);
        std::set<std::uint64_t> texts;
        std::set<std::uint64_t> colliding;
        for (std::size_t i = 0; i < file.dumped.size(); ++i) {
            if (file.dumped[i] >= 0x10 && file.dumped[i] < 0x20)
                texts.insert(file.descriptors[i].offset);
            if (file.dumped[i] >= 0x30 && file.dumped[i] < 0x40)
                colliding.insert(file.descriptors[i].offset);
        }
        CHECK(texts.size() == 1);
        // Only the first of a family is remembered.
        CHECK(colliding.size() == 1 + 3 * 4);
        CHECK(outcome.summary.identical_pages >= 15 + 3);
    }
}

TEST_CASE("any number of threads writes the same file") {
    const WrittenCore written(varied);
    const CoreFile core = written.open();
    std::string first;
    for (const unsigned threads : {1U, 2U, 4U, 7U}) {
        const std::string path = written.folder.path("dump");
        const DumpOutcome outcome = dump(core, path, {.level = 31, .compression = {}, .threads = threads});
        REQUIRE_FALSE(outcome.error);
        const std::string content = read_file(path, std::size_t{64} << 20).value();
        if (threads == 1)
            first = content;
        CAPTURE(threads);
        CHECK(content == first);
    }
}

TEST_CASE("progress goes up to its end, on the calling thread") {
    const WrittenCore written(varied);
    const CoreFile core = written.open();
    const Descriptor output = open_file(written.folder.path("dump"), O_RDWR | O_CREAT, 0600).value();
    DumpProgress last;
    unsigned reports = 0;
    const pid_t thread = ::gettid();
    const DumpOutcome outcome =
        write_dump(core, output.get(), {.threads = 2}, [&](const DumpProgress& progress) {
            REQUIRE(::gettid() == thread);
            REQUIRE(progress.done_pages <= progress.total_pages);
            REQUIRE((progress.phase != last.phase || progress.done_pages >= last.done_pages));
            last = progress;
            ++reports;
        });
    REQUIRE_FALSE(outcome.error);
    CHECK(reports > 10);
    CHECK(last.phase == DumpProgress::Phase::copying);
    CHECK(last.done_pages == outcome.summary.dumped_pages);
}

TEST_CASE("a core without VMCOREINFO is dumped whole") {
    const WrittenCore written(std::string(varied) + "elf no_vmcoreinfo");
    const std::string path = written.folder.path("dump");
    const DumpOutcome outcome = dump(written.open(), path);
    REQUIRE_FALSE(outcome.error);
    CHECK(outcome.summary.doubts ==
          std::vector<std::string>{"there is no VMCOREINFO note, keeping every page"});
    const KdumpFile file(path);
    CHECK(file.is_complete());
    CHECK(file.vmcoreinfo.empty());
    CHECK(file.dumped == file.present);
    CHECK(compare(file, written.built).same == file.present.size());
}

TEST_CASE("of a truncated core the pages that are there are dumped, and the rest is told") {
    const WrittenCore written(varied);
    written.truncate(written.built.data_at(2) + 0x123456);
    const std::string path = written.folder.path("dump");
    const DumpOutcome outcome = dump(written.open(), path, {.level = 0});
    REQUIRE_FALSE(outcome.error);
    REQUIRE(outcome.summary.doubts.size() == 1);
    CHECK(outcome.summary.doubts[0].contains("' is truncated: 3002368 bytes of memory"));
    const KdumpFile file(path);
    CHECK(file.present == written.built.present_pfns());
    CHECK(file.dumped.back() == 0x8122);
    CHECK(outcome.summary.unreadable_pages == 0x8400 - 0x8123 - 1); // one of them is poisoned
    CHECK(compare(file, written.built).same == file.dumped.size());
}

TEST_CASE("memory that the core names but does not hold is present and not dumped") {
    const WrittenCore written(
        "ram 0x100000..0x2000000 held 0x1c00800\nelf no_text\nfill 0x1b00..0x1c01 random");
    const std::string path = written.folder.path("dump");
    REQUIRE_FALSE(dump(written.open(), path, {.level = 0}).error);
    const KdumpFile file(path);
    CHECK(file.present == written.built.present_pfns());
    CHECK(file.dumped == written.built.expected_pfns(0));
    CHECK(file.dumped.back() == 0x1c00);
    CHECK(compare(file, written.built).same == file.dumped.size());
}

TEST_CASE("pages that cannot be read lose their bit and are counted; the others are there") {
    const WrittenCore written(std::string(varied) + "elf no_text");
    const CoreFile core = written.open();
    const std::uint64_t data = written.built.data_at(1) - 0x100000;
    for (const unsigned threads : {1U, 2U}) {
        const std::string path = written.folder.path("dump");
        DumpOutcome outcome;
        with_forbidden_calls(
            {.shared_mappings = true, .unreadable_offsets = {data + 0x185000, data + 0x1f0000}},
            [&] { outcome = dump(core, path, {.level = 0, .compression = {}, .threads = threads}); });
        REQUIRE_FALSE(outcome.error);
        const KdumpFile file(path);
        CHECK(file.is_complete());
        std::vector<std::uint64_t> expected = written.built.expected_pfns(0);
        std::erase_if(expected, [](std::uint64_t pfn) { return pfn == 0x185 || pfn == 0x1f0; });
        CHECK(file.dumped == expected);
        CHECK(outcome.summary.unreadable_pages == 2);
        CHECK(outcome.summary.dumped_pages == expected.size());
        CHECK(compare(file, written.built).same == expected.size());
    }
}

TEST_CASE("a file that may not grow stays incomplete, and what its descriptors point to is readable") {
    const WrittenCore written(varied);
    const CoreFile core = written.open();
    const std::string path = written.folder.path("dump");
    REQUIRE_FALSE(dump(core, path, {.level = 0}).error);
    const KdumpFile whole(path);
    const std::uint64_t data_at = (whole.data_at + 4095) / 4096 * 4096;
    for (const std::uint64_t room :
         {0UL, 5000UL, 700'000UL, (1UL << 20) + 5000, whole.file_bytes - data_at - 1}) {
        CAPTURE(room);
        DumpOutcome outcome;
        {
            const FileSizeLimit limit(data_at + room);
            outcome = dump(core, path, {.level = 0, .compression = {}, .threads = 2});
        }
        REQUIRE(outcome.error);
        CHECK(outcome.error->kind == ErrorKind::no_space);
        CHECK(outcome.error->text.starts_with("write "));
        CHECK(outcome.error->text.ends_with(" to 'the dump' at " +
                                            outcome.error->text.substr(outcome.error->text.rfind("0x"))));
        CHECK(outcome.error->text.ends_with(": File too large"));
        const KdumpFile file(path);
        CHECK_FALSE(file.is_complete());
        CHECK(file.dumped == whole.dumped);
        CHECK(outcome.summary.written_bytes <= data_at + room);
        const Compared compared = compare(file, written.built);
        CHECK(compared.different == 0);
        CHECK(compared.same + compared.lost == whole.dumped.size());
        // All that fits is there, but for what shares a block with what does not: descriptors are in order.
        const auto fitting = static_cast<std::uint64_t>(
            std::ranges::find_if(whole.descriptors,
                                 [&](const KdumpFile::Descriptor& descriptor) {
                                     return descriptor.offset + descriptor.bytes + 4096 > data_at + room;
                                 }) -
            whole.descriptors.begin());
        CHECK(compared.same >= fitting);
    }
}

TEST_CASE("a file for which there is not even room for headers") {
    const WrittenCore written(varied);
    const CoreFile core = written.open();
    const std::string path = written.folder.path("dump");
    for (const std::uint64_t room : {0UL, 4096UL, 20'000UL}) {
        DumpOutcome outcome;
        {
            const FileSizeLimit limit(room);
            outcome = dump(core, path);
        }
        REQUIRE(outcome.error);
        CHECK(outcome.error->kind == ErrorKind::no_space);
        CHECK(std::filesystem::file_size(path) <= room);
    }
}

// A small file system of its own, while it lives.
class SmallDisk {
public:
    explicit SmallDisk(std::string_view size) {
        is_mounted =
            ::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, std::format("size={}", size).c_str()) == 0;
        if (!is_mounted)
            MESSAGE("nothing can be mounted here: left to the limit on a file's size");
    }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;
    ~SmallDisk() {
        if (is_mounted)
            ::umount2(folder.path().c_str(), MNT_DETACH);
    }
    TemporaryFolder folder;
    bool is_mounted = false;
};

TEST_CASE("a dump does not claim to have left out what could not be told") {
    const struct {
        std::string_view change;
        unsigned asked;
        int level;
    } table[] = {
        {"omit OFFSET(page.compound_head)", 31, 1},
        {"omit OFFSET(page.compound_head)", 30, 0},
        {"elf no_vmcoreinfo", 31, 1},
        {"omit NUMBER(PG_lru)", 31, 25},
        {"omit NUMBER(PG_lru)", 25, 25},
        {"omit LENGTH(zone.free_area)", 31, 15},
    };
    for (const auto& [change, asked, level] : table) {
        CAPTURE(change);
        CAPTURE(asked);
        const WrittenCore written(std::string(varied) + std::string(change));
        const CoreFile core = written.open();
        const std::string path = written.folder.path("dump");
        const DumpOutcome outcome = dump(core, path, {.level = asked});
        REQUIRE_FALSE(outcome.error);
        CHECK(outcome.summary.level == static_cast<unsigned>(level));
        CHECK(KdumpFile(path).dump_level == level);
        // Made again of the dump, where the same cannot be told: what was left out before stays so.
        const CoreFile again = CoreFile::open(path).value();
        CHECK(dump(again, written.folder.path("again"), {.level = asked}).summary.level ==
              static_cast<unsigned>(level));
    }
}

TEST_CASE("a disk that even the smallest dump does not fit") {
    const WrittenCore written(varied);
    const SmallDisk disk("900k");
    if (!disk.is_mounted)
        return;
    const CoreFile core = written.open();
    const std::string path = disk.folder.path("dump");
    const DumpOutcome outcome = dump(core, path, {.level = 0});
    REQUIRE(outcome.error);
    CHECK(outcome.error->kind == ErrorKind::no_space);
    CHECK(outcome.error->text.ends_with(": No space left on device"));
    CHECK(outcome.summary.level == 30);
    REQUIRE(outcome.summary.remarks.size() == 2);
    CHECK(outcome.summary.remarks[0].ends_with("are free, leaving out more: level 30"));
    CHECK(outcome.summary.remarks[1].ends_with("are free: writing what fits"));
    const KdumpFile file(path);
    CHECK_FALSE(file.is_complete());
    const Compared compared = compare(file, written.built);
    CHECK(compared.different == 0);
    CHECK(compared.lost > 0);
    CHECK(compared.same > 100);
}

TEST_CASE("where there is too little room more is left out, and no more than is needed") {
    const WrittenCore written(small_machine("page 0x180..0x200 lru\nfill 0x180..0x200 random\n"
                                            "page 0x200 buddy order 9\nfill 0x200..0x400 random\n"));
    const CoreFile core = written.open();
    const struct {
        std::string_view size;
        unsigned level;
    } table[] = {{"40m", 0}, {"20m", 0}, {"1500k", 16}, {"500k", 18}};
    for (const auto& [size, level] : table) {
        CAPTURE(size);
        const SmallDisk disk(size);
        if (!disk.is_mounted)
            return;
        const std::string path = disk.folder.path("dump");
        const DumpOutcome outcome = dump(core, path, {.level = 0});
        CHECK_FALSE(outcome.error);
        CHECK(outcome.summary.level == level);
        CHECK(outcome.summary.remarks.empty() == (size == "40m"));
        const KdumpFile file(path);
        CHECK(file.is_complete());
        CHECK(file.dump_level == static_cast<int>(level));
        CHECK(file.dumped == written.built.expected_pfns(level));
        CHECK(compare(file, written.built).different == 0);
        // The same as when that level is asked for.
        CHECK(dump(core, written.folder.path("asked"), {.level = level}).summary.doubts ==
              outcome.summary.doubts);
    }
}

// Memory at 1 TiB and nothing before it: bitmaps of 64 MiB, nearly all of them holes.
TEST_CASE("addresses without memory take no room on the disk") {
    const WrittenCore written("ram 0x100000..0x1c00000\nram 0x10000000000..0x10000100000\n"
                              "fill 0x100..0x180 random\nfill 0x10000000..0x10000010 random\n");
    const SmallDisk disk("16m");
    if (!disk.is_mounted)
        return;
    const CoreFile core = written.open();
    const std::string path = disk.folder.path("dump");
    const DumpOutcome outcome = dump(core, path, {.level = 0});
    CHECK_FALSE(outcome.error);
    CHECK(outcome.summary.level == 0);
    CHECK(std::filesystem::file_size(path) > (64 << 20));
    const KdumpFile file(path);
    CHECK(file.is_complete());
    CHECK(file.dumped == written.built.expected_pfns(0));
    CHECK(compare(file, written.built).different == 0);
}

TEST_CASE("the writer takes no more pages than it has room for") {
    const WrittenCore written(small_machine());
    const CoreFile core = written.open();
    const Descriptor output = open_file(written.folder.path("dump"), O_RDWR | O_CREAT, 0600).value();
    const auto writer = KdumpWriter::begin(output.get(), core, {}).value();
    REQUIRE(writer->begin_pages(1));
    REQUIRE(writer->append_zero_page(0));
    REQUIRE(writer->append_zero_page(0));
    const auto result = writer->finish();
    CHECK(error_text(result) == "write the dump: more pages than its bitmap has");
    CHECK(result.error().kind == ErrorKind::corrupt);
    CHECK_FALSE(KdumpFile(written.folder.path("dump")).is_complete());
}
