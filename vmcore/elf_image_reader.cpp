// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/elf_image_reader.h"

#include <algorithm>

namespace lifeboat {

const CoreSegment* ElfImageReader::find_segment(std::uint64_t physical) {
    const auto segments = image_.segments();
    const auto holds = [&](std::size_t i) {
        return physical - segments[i].physical_address < segments[i].file_bytes;
    };
    if (holds(last_segment_)) [[likely]]
        return &segments[last_segment_];
    const auto after = std::ranges::upper_bound(segments, physical, {}, &CoreSegment::physical_address);
    if (after == segments.begin())
        return nullptr;
    const auto found = static_cast<std::size_t>(after - segments.begin()) - 1;
    if (!holds(found))
        return nullptr;
    last_segment_ = found;
    return &segments[found];
}

Result<ElfImageReader::Place> ElfImageReader::find(std::uint64_t physical) {
    const CoreSegment* segment = find_segment(physical);
    if (segment == nullptr)
        return fail(ErrorKind::no_data, "read '{}': no memory at physical address {:#x}", image_.facts().path,
                    physical);
    const std::uint64_t into = physical - segment->physical_address;
    return Place{.file_offset = segment->file_offset + into, .bytes = segment->file_bytes - into};
}

Result<std::span<const std::byte>> ElfImageReader::view(std::uint64_t physical, std::uint64_t at_most) {
    const Place place = TRY(find(physical));
    return windows_.view(place.file_offset, std::min(at_most, place.bytes));
}

Result<> ElfImageReader::peek(std::uint64_t physical, std::span<std::byte> bytes) {
    const Place place = TRY(find(physical));
    if (place.bytes < bytes.size())
        return fail(ErrorKind::no_data, "read '{}': a segment ends after physical address {:#x}",
                    image_.facts().path, physical);
    return windows_.peek(place.file_offset, bytes);
}

Result<std::span<const std::byte>> ElfImageReader::view_page(std::uint64_t pfn) {
    const std::uint64_t page_bytes = image_.facts().page_bytes;
    auto whole = view(pfn * page_bytes, page_bytes);
    if (whole && whole->size() == page_bytes) [[likely]]
        return whole;
    return assemble_page(pfn);
}

// A page that several segments have parts of, or that two windows of the file do.
Result<std::span<const std::byte>> ElfImageReader::assemble_page(std::uint64_t pfn) {
    const CoreFacts& facts = image_.facts();
    const std::uint64_t page_start = pfn * facts.page_bytes;
    const std::uint64_t page_end = page_start + facts.page_bytes;
    ragged_page_.assign(facts.page_bytes, std::byte{0});
    bool any = false;
    for (const CoreSegment& segment : image_.segments()) {
        const std::uint64_t start = std::max(page_start, segment.physical_address);
        const std::uint64_t end = std::min(page_end, segment.physical_address + segment.file_bytes);
        if (start >= end)
            continue;
        const auto part = std::span(ragged_page_).subspan(start - page_start, end - start);
        TRY(windows_.read(segment.file_offset + (start - segment.physical_address), part));
        any = true;
    }
    if (!any)
        return fail(ErrorKind::no_data, "read '{}': page {:#x} is not there", facts.path, pfn);
    return std::span<const std::byte>(ragged_page_);
}

} // namespace lifeboat
