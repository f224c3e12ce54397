// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/elf_segments.h"

#include <algorithm>

namespace lifeboat {

Result<> ElfSegments::add(const BitmapPiece& present, const BitmapPiece& dumped) {
    std::uint64_t pfn = present.first_pfn();
    while ((pfn = present.next_set(pfn)) < present.end_pfn()) {
        const bool are_dumped = dumped.next_set(pfn) == pfn;
        const std::uint64_t alike_end = are_dumped ? dumped.next_clear(pfn) : dumped.next_set(pfn);
        const std::uint64_t end = std::min(present.next_clear(pfn), alike_end);
        TRY(add_pages(pfn, end, are_dumped));
        pfn = end;
    }
    return {};
}

Result<> ElfSegments::add_pages(std::uint64_t first_pfn, std::uint64_t end_pfn, bool are_dumped) {
    while (first_pfn < end_pfn) {
        const bool has_left_out = run_.dumped_end < run_.end_pfn;
        const bool begins_piece =
            first_pfn > 0 && layout_.end_of_piece((first_pfn - 1) * page_bytes_) <= first_pfn * page_bytes_;
        if (first_pfn != run_.end_pfn || (are_dumped && has_left_out) || begins_piece) {
            TRY(hand_over());
            run_ = {first_pfn, first_pfn, first_pfn};
        }
        run_.end_pfn = std::min(end_pfn, layout_.end_of_piece(first_pfn * page_bytes_) / page_bytes_);
        run_.end_pfn = std::max(run_.end_pfn, first_pfn + 1);
        if (are_dumped)
            run_.dumped_end = run_.end_pfn;
        first_pfn = run_.end_pfn;
    }
    return {};
}

Result<> ElfSegments::hand_over() {
    if (run_.first_pfn == run_.end_pfn)
        return {};
    Elf64_Phdr header{}; // p_align 0, as the kernel has it: crash takes a core with another for a netdump
    header.p_type = PT_LOAD;
    header.p_flags = PF_R | PF_W | PF_X;
    header.p_offset = offset_;
    header.p_paddr = run_.first_pfn * page_bytes_;
    header.p_vaddr = layout_.virtual_address(header.p_paddr);
    header.p_filesz = (run_.dumped_end - run_.first_pfn) * page_bytes_;
    header.p_memsz = (run_.end_pfn - run_.first_pfn) * page_bytes_;
    offset_ += header.p_filesz;
    TRY(take_(header));
    return hand_over_image_part(header);
}

Result<> ElfSegments::hand_over_image_part(const Elf64_Phdr& whole) {
    const auto& image = layout_.kernel_image();
    if (!image)
        return {};
    const std::uint64_t start = std::max(whole.p_paddr, image->physical_address);
    const std::uint64_t end = std::min(whole.p_paddr + whole.p_memsz, image->physical_address + image->bytes);
    if (start >= end)
        return {};
    const std::uint64_t into = start - whole.p_paddr;
    const std::uint64_t held = whole.p_filesz - std::min(whole.p_filesz, into);
    Elf64_Phdr part = whole;
    part.p_offset += std::min(into, whole.p_filesz);
    part.p_paddr = start;
    part.p_vaddr = image->virtual_address + (start - image->physical_address);
    part.p_memsz = end - start;
    part.p_filesz = std::min(held, part.p_memsz);
    return take_(part);
}

Result<> ElfSegments::finish() {
    TRY(hand_over());
    run_ = {};
    return {};
}

} // namespace lifeboat
