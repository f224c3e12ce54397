// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/kdump_image_reader.h"

#include <algorithm>

namespace lifeboat {

Result<std::span<const std::byte>> KdumpImageReader::view(std::uint64_t physical, std::uint64_t at_most) {
    const std::uint64_t page_bytes = image_.facts().page_bytes;
    const auto page = TRY(view_page(physical / page_bytes));
    const std::uint64_t into = physical % page_bytes;
    return page.subspan(into, std::min(at_most, page_bytes - into));
}

Result<> KdumpImageReader::peek(std::uint64_t physical, std::span<std::byte> bytes) {
    const auto part = TRY(view(physical, bytes.size()));
    if (part.size() < bytes.size())
        return fail(ErrorKind::no_data, "read '{}': a page ends after physical address {:#x}",
                    image_.facts().path, physical);
    std::ranges::copy(part, bytes.begin());
    return {};
}

Result<std::span<const std::byte>> KdumpImageReader::view_page(std::uint64_t pfn) {
    auto chosen = std::ranges::find(pages_, pfn, &Page::pfn);
    if (chosen == pages_.end()) {
        chosen = std::ranges::min_element(pages_, {}, &Page::used_at);
        chosen->pfn = Page::none;
        chosen->bytes.resize(image_.facts().page_bytes);
        TRY(load(pfn, chosen->bytes)
                .transform_error(
                    while_doing(std::format("read '{}': page {:#x}", image_.facts().path, pfn))));
        chosen->pfn = pfn;
    }
    chosen->used_at = ++clock_;
    return std::span<const std::byte>(chosen->bytes);
}

Result<> KdumpImageReader::load(std::uint64_t pfn, std::span<std::byte> page) {
    const KdumpPageDescriptor descriptor = TRY(find_descriptor(pfn));
    const auto data = TRY(stored_data(descriptor));
    return decompressor_.decompress(descriptor.flags, data, page);
}

Result<KdumpPageDescriptor> KdumpImageReader::find_descriptor(std::uint64_t pfn) {
    const auto index = TRY(ranks_.find(pfn, windows_));
    if (!index)
        return fail(ErrorKind::no_data, "it is not in the dump");
    KdumpPageDescriptor descriptor{};
    TRY(windows_.read(image_.headers().descriptors_offset + *index * sizeof(descriptor),
                      std::as_writable_bytes(std::span(&descriptor, 1))));
    TRY(check_descriptor(descriptor, image_.headers(), image_.facts().size_bytes));
    return descriptor;
}

Result<std::span<const std::byte>> KdumpImageReader::stored_data(const KdumpPageDescriptor& descriptor) {
    const auto data = TRY(windows_.view(descriptor.offset, descriptor.bytes));
    if (data.size() == descriptor.bytes) [[likely]]
        return data;
    joined_.resize(descriptor.bytes);
    TRY(windows_.read(descriptor.offset, joined_));
    return std::span<const std::byte>(joined_);
}

} // namespace lifeboat
