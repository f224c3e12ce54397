// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/core_reader.h"

#include <algorithm>
#include <cstring>

namespace lifeboat {

namespace {

// A window of 4 MiB costs the kernel 8 KiB of page table; smaller ones cost more calls, larger ones more
// memory.
constexpr std::uint64_t mapped_window_bytes = std::uint64_t{4} << 20;
// Read instead of mapped, a window is real memory.
constexpr std::uint64_t read_window_bytes = std::uint64_t{128} << 10;

} // namespace

const CoreSegment* CoreReader::find_segment(std::uint64_t physical) {
    const auto segments = core_->segments();
    const auto holds = [&](std::size_t i) {
        return physical - segments[i].physical_address < segments[i].file_bytes;
    };
    if (last_segment_ < segments.size() && holds(last_segment_))
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

Result<std::span<const std::byte>> CoreReader::view(std::uint64_t physical, std::uint64_t at_most) {
    const CoreSegment* segment = find_segment(physical);
    if (segment == nullptr)
        return fail(ErrorKind::no_data, "read '{}': no memory at physical address {:#x}", core_->path(),
                    physical);
    const std::uint64_t into = physical - segment->physical_address;
    return view_file(segment->file_offset + into, std::min(at_most, segment->file_bytes - into));
}

Result<std::span<const std::byte>> CoreReader::view_file(std::uint64_t file_offset, std::uint64_t at_most) {
    const auto cut = [&](Window& window) {
        window.used_at = ++clock_;
        const std::uint64_t into = file_offset - window.file_offset;
        return window.bytes.subspan(into, std::min(at_most, window.bytes.size() - into));
    };
    const auto holds = [&](const Window& window) {
        return file_offset - window.file_offset < window.bytes.size();
    };
    if (holds(windows_[last_window_]))
        return cut(windows_[last_window_]);
    auto chosen = std::ranges::find_if(windows_, holds);
    if (chosen == windows_.end()) {
        chosen = std::ranges::min_element(windows_, {}, &Window::used_at);
        TRY(fill(*chosen, file_offset));
    }
    last_window_ = static_cast<std::size_t>(chosen - windows_.begin());
    return cut(*chosen);
}

Result<> CoreReader::fill(Window& window, std::uint64_t file_offset) {
    window.bytes = {};
    if (mappable_) {
        const std::uint64_t start = file_offset / mapped_window_bytes * mapped_window_bytes;
        const std::uint64_t length = std::min(mapped_window_bytes, core_->size_bytes() - start);
        if (auto mapping = Mapping::of_file(core_->fd(), start, length, core_->path())) {
            window.mapping = std::move(*mapping);
            window.bytes = window.mapping.bytes();
            window.file_offset = start;
            return {};
        }
        mappable_ = false;
    }
    window.mapping.reset();
    if (!window.buffer.is_mapped())
        window.buffer = TRY(Mapping::anonymous(read_window_bytes));
    const std::uint64_t start = file_offset / read_window_bytes * read_window_bytes;
    const std::uint64_t length = std::min(read_window_bytes, core_->size_bytes() - start);
    auto done = read_exactly_at(core_->fd(), window.buffer.bytes().first(length), start, core_->path());
    if (done) {
        window.file_offset = start;
        window.bytes = window.buffer.bytes().first(length);
        return {};
    }
    // Something in the window cannot be read; it need not be the page that is asked for.
    const std::uint64_t page_start = file_offset / core_->page_bytes() * core_->page_bytes();
    const auto page =
        window.buffer.bytes().first(std::min(core_->page_bytes(), core_->size_bytes() - page_start));
    TRY(read_exactly_at(core_->fd(), page, page_start, core_->path()));
    window.file_offset = page_start;
    window.bytes = page;
    return {};
}

Result<> CoreReader::read(std::uint64_t physical, std::span<std::byte> bytes) {
    while (!bytes.empty()) {
        const auto part = TRY(view(physical, bytes.size()));
        std::memcpy(bytes.data(), part.data(), part.size());
        bytes = bytes.subspan(part.size());
        physical += part.size();
    }
    return {};
}

Result<std::span<const std::byte>> CoreReader::view_page(std::uint64_t pfn) {
    auto whole = view(pfn * core_->page_bytes(), core_->page_bytes());
    if (whole && whole->size() == core_->page_bytes()) [[likely]]
        return whole;
    return assemble_page(pfn);
}

Result<std::span<const std::byte>> CoreReader::assemble_page(std::uint64_t pfn) {
    const std::uint64_t page_start = pfn * core_->page_bytes();
    const std::uint64_t page_end = page_start + core_->page_bytes();
    ragged_page_.assign(core_->page_bytes(), std::byte{0});
    bool any = false;
    for (const CoreSegment& segment : core_->segments()) {
        const std::uint64_t start = std::max(page_start, segment.physical_address);
        const std::uint64_t end = std::min(page_end, segment.physical_address + segment.file_bytes);
        if (start >= end)
            continue;
        TRY(read(start, std::span(ragged_page_).subspan(start - page_start, end - start)));
        any = true;
    }
    if (!any)
        return fail(ErrorKind::no_data, "read '{}': page {:#x} is not there", core_->path(), pfn);
    return std::span<const std::byte>(ragged_page_);
}

} // namespace lifeboat
