// SPDX-License-Identifier: GPL-2.0-or-later
// Makes a crashed x86_64 kernel's memory, as an ELF core, from a description:
//
//     machine levels 5 kernel_at 0x2000000 kaslr 0x4000000 sme 0x800000000000 cpus 2
//     kernel 6.12
//     ram 0x1000..0x9fc00                 # bytes, end not included; "0" is allowed; sections are of 128 MiB
//     ram 0x100000..0x8000000 held 0x7000000   # the core holds it up to 0x7000000 only (p_filesz < p_memsz)
//     vmemmap 4k                          # or 2m (the default): the pages that map the struct pages
//     page 0x200 buddy order 3            # a free block of 8 pages
//     page 0x400 unaccepted order 10      # memory that the firmware has not handed over yet: kernel 7.1
//     page 0x210..0x220 lru               # page cache; pages from 0x210 to 0x21f, one by one
//     page 0x300 anon                     # also: ksm, swapcache, slab, movable, hugetlb, offline, kernel
//     page 0x310 lru private              # words add up
//     page 0x400 anon order 9             # compound: head and tails
//     page 0x600 hugetlb order 9
//     page 0x402 hwpoison                 # added to what it is already
//     struct_page 0x500 private 99        # a member of struct page set by hand: flags, compound_info,
//                                         # mapping, private, mapcount, order (of the folio that begins
//                                         there)
//     section 1 absent                    # no memmap for this section of 128 MiB
//     section 2 everywhere                # sections of which no page is described share the memmap of this
//     one memmap unwritten                    # each section has a memmap of its own, all zero, for the
//     caller to write
//                                         # (section_frames)
//     fill 0x300 text "words"             # or random, zero, or byte 0x5a; also for a range of pfns
//     log ring 2^5 records 2^12 bytes     # before the first record
//     log "Linux version" at 1.234567     # \n, \t, \\, \" and \xNN in texts; then optionally: lost, reserved
//     omit NUMBER(PG_lru)                 # a key left out of VMCOREINFO
//     set PAGESIZE=65536                  # a key's value replaced, or a key added
//     elf xnum                            # the count of segments in section header 0, as with more than
//     65534 elf no_text                         # without the PT_LOAD of its own that the kernel's text has
//     elf no_vmcoreinfo
//
// Numbers may be decimal or 0x hexadecimal. "#" begins a comment. A mistake throws std::runtime_error with
// its line. What the kernel itself needs (text, page tables, memmap, log) begins at kernel_at, which has to
// lie in RAM, at a multiple of 2 MiB; pages described must not be among it, which is checked.
//
// What is not described is RAM of the kernel: zero, and none of the classes that a filter leaves out. Memory
// is kept sparsely, and struct pages nobody describes share frames, so that terabytes can be described.
// Nothing here includes the code under test; where facts come from stands in kernel_profile.h and so on.
#pragma once

#include "tests/builders/kernel_profile.h"
#include "tests/builders/physical_memory.h"
#include "tests/builders/printk_ring.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lifeboat::tests {

class CoreBuilder; // in core_builder.cpp

struct RamRange {
    std::uint64_t start;
    std::uint64_t end;
    std::uint64_t held_end; // <= end: up to here the core holds it
};

// What a page was described as.
struct PageFacts {
    bool buddy = false;
    bool unaccepted = false; // with buddy: free, but not in the allocator's lists
    bool lru = false;
    bool private_data = false;
    bool swapcache = false;
    bool anonymous = false;
    bool ksm = false;
    bool slab = false;
    bool movable = false;
    bool hugetlb = false;
    bool hwpoison = false;
    bool offline = false;
    unsigned order = 0;
    bool is_tail = false; // of a compound page or a free block: `head` says which
    std::uint64_t head = 0;
};

class BuiltCore {
public:
    static BuiltCore from(std::string_view description);

    // As a sparse file.
    void write(const std::string& path) const;

    // What a filter has to keep: an opinion of its own, slow and by the page, from the description.
    [[nodiscard]] std::vector<std::uint64_t> present_pfns() const;
    [[nodiscard]] std::vector<std::uint64_t> expected_pfns(unsigned level) const;
    // The bytes of a page as a dump must have them: what lies in no range of RAM is zero.
    [[nodiscard]] PageBytes page(std::uint64_t pfn) const;
    [[nodiscard]] std::uint64_t end_pfn() const;
    // The log as dmesg shows it.
    [[nodiscard]] std::string expected_log() const;
    [[nodiscard]] std::string vmcoreinfo() const;
    [[nodiscard]] std::uint64_t phys_base() const { return phys_base_; }
    [[nodiscard]] const std::vector<RamRange>& ram() const { return ram_; }

    // For damage: memory may be changed between from() and write().
    PhysicalMemory& memory() { return memory_; }
    [[nodiscard]] const PhysicalMemory& memory() const { return memory_; }
    // Where a structure is: prb, prb_ring, prb_descriptors, prb_infos, log_data, init_top_pgt, init_uts_ns,
    // mem_section_roots.
    [[nodiscard]] Place place(std::string_view name) const;
    // The physical address of the struct page of `pfn`; not of one that nobody described, which is shared.
    [[nodiscard]] std::uint64_t struct_page(std::uint64_t pfn) const;
    // Where the struct pages are that "memmap unwritten" left to the caller: physical address by section.
    [[nodiscard]] const std::map<std::uint64_t, std::uint64_t>& section_frames() const {
        return section_frames_;
    }
    // The kernel's own memory, by physical address: its image, page tables, memmap.
    [[nodiscard]] std::uint64_t kernel_start() const { return kernel_at_; }
    [[nodiscard]] std::uint64_t kernel_end() const { return kernel_end_; }
    // That of the entry that maps `virtual_address` at `level` (1: pages of 4 KiB).
    [[nodiscard]] std::uint64_t table_entry(std::uint64_t virtual_address, unsigned level) const;
    // That of the mem_section entry.
    [[nodiscard]] std::uint64_t section_entry(std::uint64_t section) const;
    void set_key(std::string_view key, std::string_view value);

    // Offsets in the file that write() makes.
    static constexpr std::uint64_t program_headers_at = 64;
    [[nodiscard]] std::uint64_t notes_at() const;
    [[nodiscard]] std::uint64_t notes_bytes() const { return notes().size(); }
    // Of the segment of RAM of that index; without kernel text of its own, segments come in the order of RAM.
    [[nodiscard]] std::uint64_t data_at(std::size_t ram_index) const;
    // Of a physical address in RAM.
    [[nodiscard]] std::uint64_t file_offset(std::uint64_t physical) const;

private:
    friend class CoreBuilder;
    struct Segment {
        std::uint64_t virtual_address;
        RamRange range;
        std::uint64_t file_offset;
    };
    BuiltCore() = default;
    [[nodiscard]] std::string notes() const;
    [[nodiscard]] std::vector<Segment> segments() const;
    [[nodiscard]] bool is_left_out(std::uint64_t pfn, unsigned level) const;

    PhysicalMemory memory_;
    std::vector<RamRange> ram_;
    std::map<std::uint64_t, PageFacts> pages_;
    std::map<std::string, Place, std::less<>> places_;
    std::vector<std::pair<std::string, std::string>> vmcoreinfo_;
    std::vector<LogRecord> log_kept_;
    std::map<std::uint64_t, std::uint64_t>
        section_memmaps_; // section: virtual address of its first struct page
    std::map<std::uint64_t, std::uint64_t>
        struct_page_frames_; // pfn / 64: physical address of 64 struct pages
    std::map<std::uint64_t, std::uint64_t> section_frames_;
    std::uint64_t kernel_at_ = 0x1000000;
    std::uint64_t kernel_end_ = 0;
    std::uint64_t kernel_virtual_ = 0;
    std::uint64_t kernel_text_bytes_ = 0;
    std::uint64_t phys_base_ = 0;
    std::uint64_t direct_map_ = 0;
    std::uint64_t encryption_mask_ = 0;
    unsigned levels_ = 4;
    unsigned cpus_ = 1;
    bool elf_xnum_ = false;
    bool elf_text_ = true;
    bool elf_vmcoreinfo_ = true;
};

} // namespace lifeboat::tests
