// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/core_file.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include <elf.h>
#include <sys/stat.h>

namespace lifeboat {

namespace {

// What a sane core stays below. The kernel's own limit is the note space of its CPUs: 8192 CPUs take some 3
// MB.
constexpr std::uint64_t notes_limit_bytes = std::uint64_t{64} << 20;
constexpr std::size_t vmcoreinfo_limit_bytes = 1U << 20;
constexpr std::uint64_t default_page_bytes = 4096;
// No machine has an address above (x86_64 and arm64: 52 bits); one in a damaged header would make the bitmaps
// fill the disk.
constexpr std::uint64_t physical_limit = std::uint64_t{1} << 52;

constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t step) {
    return (value + step - 1) / step * step;
}

template <class Struct>
Result<Struct> read_struct_at(int fd, std::uint64_t offset, std::string_view name) {
    Struct value{};
    TRY(read_exactly_at(fd, std::as_writable_bytes(std::span(&value, 1)), offset, name));
    return value;
}

} // namespace

Result<CoreFile> CoreFile::open(const std::string& path, CoreAccess access) {
    CoreFile core;
    core.path_ = path;
    core.access_ = access;
    core.file_ = TRY(open_file(path, O_RDONLY));
    struct stat status{};
    if (::fstat(core.file_.get(), &status) != 0)
        return fail_system("stat '{}'", path);
    core.size_bytes_ = static_cast<std::uint64_t>(status.st_size);
    TRY(core.read_headers());
    core.find_vmcoreinfo();
    core.settle_segments();
    if (core.segments_.empty())
        return fail(ErrorKind::no_data, "read '{}': it holds no memory (no PT_LOAD)", path);
    return core;
}

Result<> CoreFile::read_headers() {
    const auto header = TRY(read_struct_at<Elf64_Ehdr>(fd(), 0, path_));
    if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
        return fail(ErrorKind::corrupt, "read '{}': not an ELF file", path_);
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB)
        return fail(ErrorKind::unsupported, "read '{}': not a 64-bit little-endian ELF file", path_);
    if (header.e_type != ET_CORE)
        return fail(ErrorKind::unsupported, "read '{}': ELF type {} is not a core", path_, header.e_type);
    if (header.e_phentsize != sizeof(Elf64_Phdr))
        return fail(ErrorKind::corrupt, "read '{}': program headers of {} bytes", path_, header.e_phentsize);
    elf_machine_ = header.e_machine;

    std::uint64_t count = header.e_phnum;
    if (count == PN_XNUM) // more than 65534: the count stands in section header 0 (gABI)
        count = TRY(read_struct_at<Elf64_Shdr>(fd(), header.e_shoff, path_)).sh_info;
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto entry = read_struct_at<Elf64_Phdr>(fd(), header.e_phoff + i * sizeof(Elf64_Phdr), path_);
        if (!entry) {
            doubts_.push_back(std::format("program headers {} to {} are missing, going on with those before",
                                          i, count - 1));
            break;
        }
        if (entry->p_type == PT_NOTE)
            TRY(read_notes(entry->p_offset, entry->p_filesz));
        else if (entry->p_type == PT_LOAD && entry->p_memsz > 0)
            segments_.push_back({entry->p_paddr, entry->p_vaddr, entry->p_offset,
                                 std::min(entry->p_filesz, entry->p_memsz), entry->p_memsz});
    }
    return {};
}

Result<> CoreFile::read_notes(std::uint64_t offset, std::uint64_t bytes) {
    const std::uint64_t available = offset < size_bytes_ ? size_bytes_ - offset : 0;
    const std::uint64_t take = std::min({bytes, available, notes_limit_bytes - notes_.size()});
    if (take < bytes)
        doubts_.push_back(std::format("of {} bytes of notes only {} are there, using those", bytes, take));
    const std::size_t before = notes_.size();
    notes_.resize(before + take);
    return read_exactly_at(fd(), std::span(notes_).subspan(before), offset, path_);
}

// Walks the notes: each is a header, the name and the descriptor, both padded to four bytes.
void CoreFile::find_vmcoreinfo() {
    constexpr std::string_view wanted = "VMCOREINFO";
    std::size_t at = 0;
    while (notes_.size() - at >= sizeof(Elf64_Nhdr)) {
        Elf64_Nhdr note{};
        std::memcpy(&note, notes_.data() + at, sizeof(note));
        const std::uint64_t name_at = at + sizeof(note);
        const std::uint64_t text_at = name_at + round_up(note.n_namesz, 4);
        const std::uint64_t end = text_at + round_up(note.n_descsz, 4);
        if (end > notes_.size() && text_at + note.n_descsz > notes_.size()) {
            doubts_.push_back(
                std::format("the note at {:#x} runs past the notes' end, ignoring the rest", at));
            break;
        }
        const auto* characters = reinterpret_cast<const char*>(notes_.data());
        const std::string_view name(characters + name_at, note.n_namesz);
        if (name.substr(0, name.find('\0')) == wanted && note.n_descsz <= vmcoreinfo_limit_bytes) {
            vmcoreinfo_notes_offset_ = text_at;
            vmcoreinfo_ = Vmcoreinfo::parse({characters + text_at, note.n_descsz});
            break;
        }
        at = std::min<std::uint64_t>(end, notes_.size());
    }
    if (vmcoreinfo_.empty())
        doubts_.emplace_back("there is no VMCOREINFO note, keeping every page");
    const std::uint64_t page_bytes = vmcoreinfo_.page_bytes().value_or(default_page_bytes);
    if (std::has_single_bit(page_bytes) && page_bytes >= 4096 && page_bytes <= 65536)
        page_bytes_ = page_bytes;
    else
        doubts_.push_back(std::format("PAGESIZE={} cannot be, using {}", page_bytes, page_bytes_));
}

// Sorted by physical address, overlaps cut, ends clamped to what the file holds. The kernel's text has a
// PT_LOAD of its own besides the one of the direct map that holds the same memory: cutting overlaps drops the
// second.
void CoreFile::settle_segments() {
    std::erase_if(segments_, [&](const CoreSegment& segment) {
        const bool possible = segment.physical_address < physical_limit &&
                              segment.memory_bytes <= physical_limit - segment.physical_address;
        if (!possible)
            doubts_.push_back(std::format("a segment at {:#x} cannot be memory, passing it over",
                                          segment.physical_address));
        return !possible;
    });
    std::ranges::stable_sort(segments_, [](const CoreSegment& a, const CoreSegment& b) {
        return a.physical_address != b.physical_address ? a.physical_address < b.physical_address
                                                        : a.memory_bytes > b.memory_bytes;
    });
    std::vector<CoreSegment> settled;
    std::uint64_t end = 0;
    std::uint64_t missing_bytes = 0;
    std::uint64_t unheld_bytes = 0;
    for (CoreSegment segment : segments_) {
        const std::uint64_t skip = end > segment.physical_address ? end - segment.physical_address : 0;
        if (skip >= segment.memory_bytes)
            continue;
        segment.physical_address += skip;
        segment.virtual_address += skip;
        segment.file_offset += skip;
        segment.memory_bytes -= skip;
        const std::uint64_t named = segment.file_bytes - std::min(segment.file_bytes, skip);
        const std::uint64_t held = segment.file_offset < size_bytes_ ? size_bytes_ - segment.file_offset : 0;
        segment.file_bytes = std::min(named, held);
        if (held < named) // half a page is no page
            segment.file_bytes -=
                std::min(segment.file_bytes, (segment.physical_address + held) % page_bytes_);
        missing_bytes += named - segment.file_bytes;
        unheld_bytes += segment.memory_bytes - named;
        end = segment.physical_address + segment.memory_bytes;
        settled.push_back(segment);
    }
    segments_ = std::move(settled);
    if (unheld_bytes > 0)
        doubts_.push_back(
            std::format("'{}' names {} bytes of memory that it does not hold, leaving their pages out", path_,
                        unheld_bytes));
    if (missing_bytes > 0)
        doubts_.push_back(
            std::format("'{}' is truncated: {} bytes of memory that its headers name are not there, leaving "
                        "their pages out",
                        path_, missing_bytes));
}

Result<> CoreFile::mark_pages(BitmapPiece& present, BitmapPiece& held) const {
    const auto end_of = [&](const CoreSegment& segment, std::uint64_t bytes) {
        return (segment.physical_address + bytes + page_bytes_ - 1) / page_bytes_;
    };
    auto segment = std::ranges::upper_bound(segments_, present.first_pfn(), {}, [&](const CoreSegment& each) {
        return end_of(each, each.memory_bytes);
    });
    for (; segment != segments_.end(); ++segment) {
        const std::uint64_t first = segment->physical_address / page_bytes_;
        if (first >= present.end_pfn())
            break;
        present.set(first, end_of(*segment, segment->memory_bytes));
        if (segment->file_bytes > 0)
            held.set(first, end_of(*segment, segment->file_bytes));
    }
    return {};
}

std::uint64_t CoreFile::end_pfn() const {
    if (segments_.empty())
        return 0;
    const CoreSegment& last = segments_.back();
    return (last.physical_address + last.memory_bytes + page_bytes_ - 1) / page_bytes_;
}

} // namespace lifeboat
