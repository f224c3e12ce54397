// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/kdump_image.h"

#include "vmcore/dump.h"
#include "vmcore/kdump_image_reader.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include <elf.h>

namespace lifeboat {

namespace {

constexpr std::uint16_t elf_machine_loongarch = 258; // EM_LOONGARCH, newer than musl's <elf.h>

struct Machine {
    std::string_view name; // as uname has it, which is how the file tells it
    std::uint16_t elf_machine;
};
constexpr Machine machines[] = {{"x86_64", EM_X86_64},
                                {"aarch64", EM_AARCH64},
                                {"riscv64", EM_RISCV},
                                {"loongarch64", elf_machine_loongarch},
                                {"ppc64le", EM_PPC64}};

std::uint16_t elf_machine_of(std::string_view name) {
    const auto* const found = std::ranges::find(machines, name, &Machine::name);
    return found == std::end(machines) ? std::uint16_t{EM_NONE} : found->elf_machine;
}

void settle_machine(CoreFacts& facts, const KdumpUtsname& utsname) {
    facts.elf_machine = elf_machine_of(utsname.machine);
    if (utsname.machine[0] != '\0')
        return;
    facts.elf_machine = EM_X86_64;
    facts.doubts.emplace_back("the header does not name the machine, taking it for x86_64");
}

// A part of the file that the sub header names, as far as it is there.
Result<std::vector<std::byte>> read_part(CoreFacts& facts, std::uint64_t offset, std::uint64_t bytes) {
    const std::uint64_t available = offset < facts.size_bytes ? facts.size_bytes - offset : 0;
    std::vector<std::byte> part(std::min({bytes, available, notes_limit_bytes}));
    facts.is_truncated |= part.size() < bytes;
    if (part.size() < bytes)
        facts.doubts.push_back(
            std::format("of {} bytes of notes only {} are there, using those", bytes, part.size()));
    TRY(read_exactly_at(facts.file.get(), part, offset, facts.path));
    return part;
}

// Version 3 has VMCOREINFO's text alone, version 4 and later all notes.
Result<std::vector<std::byte>> read_notes(CoreFacts& facts, const KdumpSubHeader& sub_header) {
    if (sub_header.notes_bytes > 0)
        return read_part(facts, sub_header.notes_offset, sub_header.notes_bytes);
    if (sub_header.vmcoreinfo_bytes == 0)
        return std::vector<std::byte>();
    const auto text = TRY(read_part(facts, sub_header.vmcoreinfo_offset, sub_header.vmcoreinfo_bytes));
    return CoreNotes::vmcoreinfo_note({reinterpret_cast<const char*>(text.data()), text.size()});
}

KdumpOrigin origin_of(const KdumpHeaders& headers) {
    return {.header_version = headers.header.header_version,
            .status = headers.header.status,
            .level = static_cast<unsigned>(headers.sub_header.dump_level) & dump_level_maximum,
            .crash_time = headers.header.timestamp_seconds,
            .cpu_count = static_cast<unsigned>(std::max(headers.header.cpu_count, 0)),
            .utsname = headers.header.utsname};
}

void doubt_completeness(CoreFacts& facts, const KdumpHeaders& headers, std::uint64_t page_count) {
    const std::uint64_t descriptors_end =
        headers.descriptors_offset + page_count * sizeof(KdumpPageDescriptor);
    facts.is_truncated |= descriptors_end > facts.size_bytes;
    if (headers.is_incomplete())
        facts.doubts.push_back(
            std::format("'{}' says that it is incomplete, reading it as far as it goes", facts.path));
    else if (descriptors_end > facts.size_bytes)
        facts.doubts.push_back(std::format("'{}' is truncated: it ends at {:#x}, before its page descriptors "
                                           "do at {:#x}, reading it as far as it goes",
                                           facts.path, facts.size_bytes, descriptors_end));
}

} // namespace

Result<std::unique_ptr<KdumpImage>> KdumpImage::open(CoreFacts facts) {
    const KdumpHeaders headers = TRY(KdumpHeaders::read(facts.file.get(), facts.size_bytes, facts.path));
    facts.page_bytes = headers.block_bytes;
    facts.kdump = origin_of(headers);
    settle_machine(facts, headers.header.utsname);
    facts.notes = CoreNotes::parse(TRY(read_notes(facts, headers.sub_header)), facts.doubts);
    FileWindows file(facts.windowed());
    PageRanks ranks = TRY(PageRanks::count(headers.dumped, file));
    doubt_completeness(facts, headers, ranks.total());
    return std::unique_ptr<KdumpImage>(new KdumpImage(std::move(facts), headers, std::move(ranks)));
}

Result<> KdumpImage::mark_pages(BitmapPiece& present, BitmapPiece& left_out, BitmapPiece& held) const {
    FileWindows file(facts().windowed());
    TRY(headers_.present.read(file, present.first_pfn(), present));
    TRY(headers_.dumped.read(file, held.first_pfn(), held));
    held.keep_only(present);
    left_out = present;
    left_out.take_out(held);
    return {};
}

std::unique_ptr<CoreImageReader> KdumpImage::make_reader() const {
    return std::make_unique<KdumpImageReader>(*this);
}

} // namespace lifeboat
