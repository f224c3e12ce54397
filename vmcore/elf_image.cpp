// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/elf_image.h"

#include "vmcore/elf_image_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <elf.h>

namespace lifeboat {

namespace {

template <class Struct>
Result<Struct> read_struct_at(const CoreFacts& facts, std::uint64_t offset) {
    Struct value{};
    TRY(read_exactly_at(facts.file.get(), std::as_writable_bytes(std::span(&value, 1)), offset, facts.path));
    return value;
}

Result<Elf64_Ehdr> read_elf_header(const CoreFacts& facts) {
    const auto header = TRY(read_struct_at<Elf64_Ehdr>(facts, 0));
    if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
        return fail(ErrorKind::corrupt, "read '{}': neither an ELF file nor a kdump-compressed one",
                    facts.path);
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB)
        return fail(ErrorKind::unsupported, "read '{}': not a 64-bit little-endian ELF file", facts.path);
    if (header.e_type != ET_CORE)
        return fail(ErrorKind::unsupported, "read '{}': ELF type {} is not a core", facts.path,
                    header.e_type);
    if (header.e_phentsize != sizeof(Elf64_Phdr))
        return fail(ErrorKind::corrupt, "read '{}': program headers of {} bytes", facts.path,
                    header.e_phentsize);
    return header;
}

// More than 65534 program headers: their count stands in section header 0 (gABI).
Result<std::uint64_t> count_program_headers(const CoreFacts& facts, const Elf64_Ehdr& header) {
    if (header.e_phnum != PN_XNUM)
        return header.e_phnum;
    return TRY(read_struct_at<Elf64_Shdr>(facts, header.e_shoff)).sh_info;
}

// What the program headers name, not yet checked.
struct Contents {
    std::vector<CoreSegment> segments;
    std::vector<std::byte> notes;
};

Result<> read_notes(CoreFacts& facts, const Elf64_Phdr& entry, std::vector<std::byte>& notes) {
    const std::uint64_t available = entry.p_offset < facts.size_bytes ? facts.size_bytes - entry.p_offset : 0;
    const std::uint64_t take = std::min({entry.p_filesz, available, notes_limit_bytes - notes.size()});
    facts.is_truncated |= take < entry.p_filesz;
    if (take < entry.p_filesz)
        facts.doubts.push_back(
            std::format("of {} bytes of notes only {} are there, using those", entry.p_filesz, take));
    const std::size_t before = notes.size();
    notes.resize(before + take);
    return read_exactly_at(facts.file.get(), std::span(notes).subspan(before), entry.p_offset, facts.path);
}

Result<Contents> read_program_headers(CoreFacts& facts, const Elf64_Ehdr& header) {
    Contents contents;
    const std::uint64_t count = TRY(count_program_headers(facts, header));
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto entry = read_struct_at<Elf64_Phdr>(facts, header.e_phoff + i * sizeof(Elf64_Phdr));
        if (!entry) {
            facts.is_truncated = true;
            facts.doubts.push_back(std::format(
                "program headers {} to {} are missing, going on with those before", i, count - 1));
            break;
        }
        const std::uint64_t named = std::min(entry->p_filesz, entry->p_memsz);
        if (entry->p_type == PT_NOTE)
            TRY(read_notes(facts, *entry, contents.notes));
        else if (entry->p_type == PT_LOAD && entry->p_memsz > 0)
            contents.segments.push_back(
                {entry->p_paddr, entry->p_vaddr, entry->p_offset, named, named, entry->p_memsz});
    }
    return contents;
}

void settle_page_bytes(CoreFacts& facts) {
    const std::uint64_t page_bytes = facts.notes.vmcoreinfo().page_bytes().value_or(facts.page_bytes);
    if (is_page_size(page_bytes))
        facts.page_bytes = page_bytes;
    else
        facts.doubts.push_back(std::format("PAGESIZE={} cannot be, using {}", page_bytes, facts.page_bytes));
}

void drop_impossible(CoreFacts& facts, std::vector<CoreSegment>& segments) {
    std::erase_if(segments, [&](const CoreSegment& segment) {
        const bool possible = segment.physical_address < physical_limit &&
                              segment.memory_bytes <= physical_limit - segment.physical_address;
        if (!possible)
            facts.doubts.push_back(std::format("a segment at {:#x} cannot be memory, passing it over",
                                               segment.physical_address));
        return !possible;
    });
}

// By physical address, without what the ones before have. The kernel's text has a PT_LOAD of its own besides
// the one of the direct map that holds the same memory: cutting overlaps drops the second.
std::vector<CoreSegment> sort_and_cut(std::vector<CoreSegment> segments) {
    std::ranges::stable_sort(segments, [](const CoreSegment& a, const CoreSegment& b) {
        return a.physical_address != b.physical_address ? a.physical_address < b.physical_address
                                                        : a.memory_bytes > b.memory_bytes;
    });
    std::vector<CoreSegment> settled;
    std::uint64_t end = 0;
    for (CoreSegment segment : segments) {
        const std::uint64_t skip = end > segment.physical_address ? end - segment.physical_address : 0;
        if (skip >= segment.memory_bytes)
            continue;
        segment.physical_address += skip;
        segment.virtual_address += skip;
        segment.file_offset += skip;
        segment.memory_bytes -= skip;
        segment.named_bytes -= std::min(segment.named_bytes, skip);
        end = segment.physical_address + segment.memory_bytes;
        settled.push_back(segment);
    }
    return settled;
}

// Clamps what each segment has in the file to what is there.
void find_held_bytes(CoreFacts& facts, std::vector<CoreSegment>& segments) {
    std::uint64_t missing_bytes = 0;
    for (CoreSegment& segment : segments) {
        const std::uint64_t held =
            segment.file_offset < facts.size_bytes ? facts.size_bytes - segment.file_offset : 0;
        segment.file_bytes = std::min(segment.named_bytes, held);
        if (held < segment.named_bytes) // half a page is no page
            segment.file_bytes -=
                std::min(segment.file_bytes, (segment.physical_address + held) % facts.page_bytes);
        missing_bytes += segment.named_bytes - segment.file_bytes;
    }
    facts.is_truncated |= missing_bytes > 0;
    if (missing_bytes > 0)
        facts.doubts.push_back(
            std::format("'{}' is truncated: {} bytes of memory that its headers name are not there, leaving "
                        "their pages out",
                        facts.path, missing_bytes));
}

} // namespace

Result<std::unique_ptr<ElfImage>> ElfImage::open(CoreFacts facts) {
    const Elf64_Ehdr header = TRY(read_elf_header(facts));
    facts.elf_machine = header.e_machine;
    Contents contents = TRY(read_program_headers(facts, header));
    facts.notes = CoreNotes::parse(std::move(contents.notes), facts.doubts);
    settle_page_bytes(facts);
    drop_impossible(facts, contents.segments);
    std::vector<CoreSegment> segments = sort_and_cut(std::move(contents.segments));
    find_held_bytes(facts, segments);
    if (segments.empty())
        return fail(ErrorKind::no_data, "read '{}': it holds no memory (no PT_LOAD)", facts.path);
    return std::unique_ptr<ElfImage>(new ElfImage(std::move(facts), std::move(segments)));
}

std::uint64_t ElfImage::end_pfn() const {
    const CoreSegment& last = segments_.back();
    const std::uint64_t page_bytes = facts().page_bytes;
    return (last.physical_address + last.memory_bytes + page_bytes - 1) / page_bytes;
}

Result<> ElfImage::mark_pages(BitmapPiece& present, BitmapPiece& left_out, BitmapPiece& held) const {
    const std::uint64_t page_bytes = facts().page_bytes;
    const auto end_of = [&](const CoreSegment& segment, std::uint64_t bytes) {
        return (segment.physical_address + bytes + page_bytes - 1) / page_bytes;
    };
    auto segment = std::ranges::upper_bound(segments_, present.first_pfn(), {}, [&](const CoreSegment& each) {
        return end_of(each, each.memory_bytes);
    });
    for (; segment != segments_.end(); ++segment) {
        const std::uint64_t first = segment->physical_address / page_bytes;
        if (first >= present.end_pfn())
            break;
        present.set(first, end_of(*segment, segment->memory_bytes));
        left_out.set(segment->named_bytes > 0 ? end_of(*segment, segment->named_bytes) : first,
                     end_of(*segment, segment->memory_bytes));
        if (segment->file_bytes > 0)
            held.set(first, end_of(*segment, segment->file_bytes));
    }
    left_out.take_out(held); // a page that two segments share
    return {};
}

std::unique_ptr<CoreImageReader> ElfImage::make_reader() const {
    return std::make_unique<ElfImageReader>(*this);
}

} // namespace lifeboat
