// SPDX-License-Identifier: GPL-2.0-or-later
// damage_core CORE SCRATCH FIRST-SEED SEEDS
//
// Flips bits in a raw core, where lifeboat trusts the dead kernel the most: its memmap, page tables,
// VMCOREINFO, log and notes. After each seed's damage the kernel log is taken and the dump is written as the
// crash kernel does it, and the dump is verified. The damage is undone each time; CORE must be a copy that
// may be lost.
//
// Prints a line for each kind of damage. Exits 1 when one seed ended a child by a signal or its time, or left
// a dump that says it is complete and does not verify; those seeds are named.
#include "base/descriptor.h"
#include "base/text.h"
#include "vmcore/address_space.h"
#include "vmcore/core_reader.h"
#include "vmcore/dump.h"
#include "vmcore/dump_verifier.h"
#include "vmcore/kernel_log.h"
#include "vmcore/kernel_memory.h"
#include "vmcore/memmap.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <elf.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace lifeboat;

namespace {

constexpr unsigned time_limit_s = 120;
constexpr std::size_t most_flips = 64;
// What a child says by its exit status.
constexpr int has_log = 1, has_dump = 2, has_doubts = 4;

struct Range {
    std::uint64_t offset; // in the file
    std::uint64_t bytes;
};
struct Region {
    std::string name;
    std::vector<Range> ranges;

    [[nodiscard]] std::uint64_t bytes() const {
        std::uint64_t sum = 0;
        for (const Range& range : ranges)
            sum += range.bytes;
        return sum;
    }
    [[nodiscard]] std::uint64_t at(std::uint64_t index) const {
        for (const Range& range : ranges) {
            if (index < range.bytes)
                return range.offset + index;
            index -= range.bytes;
        }
        return ranges.front().offset;
    }
};

[[noreturn]] void give_up(const std::string& text) {
    (void)std::fprintf(stderr, "damage_core: %s\n", text.c_str());
    std::exit(2);
}

template <class T>
T must(Result<T> result) {
    if (!result)
        give_up(result.error().text);
    if constexpr (!std::is_void_v<T>)
        return *std::move(result);
}

// ---- Where things are in the core.

class Places {
public:
    explicit Places(const CoreFile& core)
        : core_(core)
        , info_(core.vmcoreinfo())
        , space_(must(make_address_space(core)))
        , reader_(core)
        , memory_(must(KernelMemory::open(core))) {}

    std::vector<Region> find() {
        return {{"memmap", memmap()},
                {"page tables", page_tables()},
                {"VMCOREINFO", vmcoreinfo()},
                {"kernel log", log()},
                {"notes", notes()}};
    }

private:
    std::optional<std::uint64_t> file_offset(std::uint64_t physical) const {
        for (const CoreSegment& segment : core_.segments())
            if (physical >= segment.physical_address &&
                physical - segment.physical_address < segment.file_bytes)
                return segment.file_offset + (physical - segment.physical_address);
        return std::nullopt;
    }
    void add_physical(std::vector<Range>& ranges, std::uint64_t physical, std::uint64_t bytes) const {
        if (const auto offset = file_offset(physical))
            ranges.push_back({*offset, bytes});
    }
    struct Place {
        std::uint64_t physical, bytes; // up to the end of what one page-table entry maps
    };
    Result<Place> locate(std::uint64_t address) {
        const AddressRange range = TRY(space_->translate(address, reader_));
        const std::uint64_t into = address - range.virtual_address;
        return Place{range.physical_address + into, range.bytes - into};
    }
    void add_virtual(std::vector<Range>& ranges, std::uint64_t address, std::uint64_t bytes) {
        while (bytes > 0) {
            const auto place = locate(address);
            const std::uint64_t part = std::min<std::uint64_t>(place ? place->bytes : 4096, bytes);
            if (place)
                add_physical(ranges, place->physical, part);
            address += part;
            bytes -= part;
        }
    }

    std::vector<Range> memmap() {
        std::vector<Range> ranges;
        const Memmap memmap = must(Memmap::open(info_, core_.page_bytes(), memory_));
        const std::uint64_t map_bytes = memmap.pages_per_section() * info_.size("page").value_or(64);
        for (std::uint64_t pfn = 0; pfn < core_.end_pfn(); pfn += memmap.pages_per_section())
            if (const auto at = memmap.section_struct_pages(pfn / memmap.pages_per_section(), memory_);
                at && *at)
                add_virtual(ranges, **at, map_bytes);
        return ranges;
    }

    // Source: Linux arch/x86/include/asm/pgtable_types.h: present, large page, the address's bits.
    void walk(std::vector<Range>& ranges, std::uint64_t table, int level) {
        add_physical(ranges, table, 4096);
        std::vector<std::uint64_t> entries(512);
        if (level == 1 || !reader_.read(table, std::as_writable_bytes(std::span(entries))))
            return;
        for (const std::uint64_t entry : entries)
            if ((entry & 1) != 0 && (entry & 0x80) == 0)
                walk(ranges, entry & 0x000f'ffff'ffff'f000, level - 1);
    }
    std::vector<Range> page_tables() {
        std::vector<Range> ranges;
        const std::uint64_t top = info_.symbol("swapper_pg_dir").value_or(0);
        walk(ranges, must(locate(top)).physical, info_.number("pgtable_l5_enabled").value_or(0) == 1 ? 5 : 4);
        return ranges;
    }

    std::vector<Range> log() {
        std::vector<Range> ranges;
        const auto offset = [&](const char* name) { return info_.offset(name).value_or(0); };
        const std::uint64_t at = must(memory_.read_value<std::uint64_t>(info_.symbol("prb").value_or(0)));
        const std::uint64_t descriptors = at + offset("printk_ringbuffer.desc_ring");
        const std::uint64_t text = at + offset("printk_ringbuffer.text_data_ring");
        const auto word = [&](std::uint64_t address) {
            return must(memory_.read_value<std::uint64_t>(address));
        };
        const auto bits = [&](std::uint64_t address) {
            return must(memory_.read_value<std::uint32_t>(address));
        };
        const std::uint64_t count = std::uint64_t{1}
                                    << bits(descriptors + offset("prb_desc_ring.count_bits"));
        add_virtual(ranges, at, info_.size("printk_ringbuffer").value_or(80));
        add_virtual(ranges, word(descriptors + offset("prb_desc_ring.descs")),
                    count * info_.size("prb_desc").value_or(24));
        add_virtual(ranges, word(descriptors + offset("prb_desc_ring.infos")),
                    count * info_.size("printk_info").value_or(88));
        add_virtual(ranges, word(text + offset("prb_data_ring.data")),
                    std::uint64_t{1} << bits(text + offset("prb_data_ring.size_bits")));
        return ranges;
    }

    std::vector<Range> notes() const {
        const Descriptor file = must(open_file(core_.path(), O_RDONLY));
        Elf64_Ehdr header{};
        must(read_exactly_at(file.get(), std::as_writable_bytes(std::span(&header, 1)), 0, core_.path()));
        Elf64_Phdr program{};
        must(read_exactly_at(file.get(), std::as_writable_bytes(std::span(&program, 1)), header.e_phoff,
                             core_.path()));
        return {{program.p_offset, program.p_filesz}};
    }
    std::vector<Range> vmcoreinfo() const {
        return {{notes().front().offset + core_.vmcoreinfo_notes_offset(), info_.text().size()}};
    }

    const CoreFile& core_;
    const Vmcoreinfo& info_;
    std::unique_ptr<AddressSpace> space_;
    CoreReader reader_;
    KernelMemory memory_;
};

// ---- Damage, and what comes of it.

class Damage {
public:
    Damage(const std::string& path, const Region& region, std::mt19937_64& random)
        : file_(must(open_file(path, O_RDWR)))
        , path_(path) {
        const std::size_t flips = 1 + random() % most_flips;
        for (std::size_t flip = 0; flip < flips; ++flip) {
            std::byte byte{};
            const std::uint64_t at = region.at(random() % region.bytes());
            must(read_exactly_at(file_.get(), std::span(&byte, 1), at, path_));
            before_.push_back({at, byte});
            byte ^= std::byte{1} << random() % 8;
            must(write_all_at(file_.get(), std::span(&byte, 1), at, path_));
        }
    }
    Damage(const Damage&) = delete;
    Damage& operator=(const Damage&) = delete;
    ~Damage() {
        // Backwards, for a byte may have been hit twice.
        for (auto one = before_.rbegin(); one != before_.rend(); ++one)
            must(write_all_at(file_.get(), std::span(&one->byte, 1), one->at, path_));
    }

private:
    struct Before {
        std::uint64_t at;
        std::byte byte;
    };
    Descriptor file_;
    std::string path_;
    std::vector<Before> before_;
};

int save(const std::string& path, const std::string& output) {
    const auto core = CoreFile::open_elf(path);
    if (!core)
        return 0;
    const auto log = extract_kernel_log(*core, [](std::string_view) -> Result<> { return {}; });
    const Descriptor file = must(open_file(output, O_RDWR | O_CREAT | O_TRUNC, 0600));
    DumpOptions options;
    options.threads = 1;
    const DumpOutcome outcome = write_dump(*core, file.get(), options, [](const DumpProgress&) {});
    const bool doubts =
        !core->doubts().empty() || !outcome.summary.doubts.empty() || (log && log->damaged_records > 0);
    return (log ? has_log : 0) | (outcome.error ? 0 : has_dump) | (doubts ? has_doubts : 0);
}

// The wait status.
int in_child(const std::function<int()>& work) {
    const pid_t pid = ::fork();
    if (pid < 0)
        give_up("no process can be made");
    if (pid == 0) {
        ::alarm(time_limit_s);
        ::_exit(work());
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return status;
}

struct Tally {
    std::size_t tried = 0, logs = 0, dumps = 0, doubts = 0, bad = 0;
};

bool is_whole(const std::string& output) {
    const auto verdict = verify_dump(output, [](const DumpProgress&) {});
    return verdict && verdict->state == DumpVerdict::State::whole;
}

void try_one(const std::string& path, const std::string& output, const Region& region, std::uint64_t seed,
             Tally& tally) {
    std::mt19937_64 random(seed);
    const Damage damage(path, region, random);
    const int status = in_child([&] { return save(path, output); });
    ++tally.tried;
    const int said = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    tally.logs += (said & has_log) != 0 ? 1 : 0;
    tally.dumps += (said & has_dump) != 0 ? 1 : 0;
    tally.doubts += (said & has_doubts) != 0 ? 1 : 0;
    if (WIFSIGNALED(status) || ((said & has_dump) != 0 && !is_whole(output))) {
        ++tally.bad;
        std::printf("seed %llu (%s): %s\n", static_cast<unsigned long long>(seed), region.name.c_str(),
                    WIFSIGNALED(status) ? ::strsignal(WTERMSIG(status)) : "the dump is not whole");
    }
}

} // namespace

int main(int count, char** words) {
    const auto first = count == 5 ? parse_unsigned(words[3]) : std::nullopt;
    const auto seeds = count == 5 ? parse_unsigned(words[4]) : std::nullopt;
    if (!first || !seeds)
        give_up("usage: damage_core CORE SCRATCH FIRST-SEED SEEDS");
    const std::string path = words[1], output = words[2];
    const std::vector<Region> regions = Places(must(CoreFile::open_elf(path))).find();
    std::vector<Tally> tallies(regions.size());
    for (std::uint64_t seed = *first; seed < *first + *seeds; ++seed)
        try_one(path, output, regions[seed % regions.size()], seed, tallies[seed % regions.size()]);
    std::size_t bad = 0;
    for (std::size_t index = 0; index < regions.size(); ++index) {
        const Tally& tally = tallies[index];
        std::printf("%-12s %9llu bytes: %4zu seeds, %4zu logs, %4zu dumps, %4zu with doubts, %zu bad\n",
                    regions[index].name.c_str(), static_cast<unsigned long long>(regions[index].bytes()),
                    tally.tried, tally.logs, tally.dumps, tally.doubts, tally.bad);
        bad += tally.bad;
    }
    ::unlink(output.c_str());
    return bad == 0 ? 0 : 1;
}
