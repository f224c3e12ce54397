// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/file_windows.h"

#include "base/descriptor.h"

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

Result<std::span<const std::byte>> FileWindows::view(std::uint64_t offset, std::uint64_t at_most) {
    const auto cut = [&](Window& window) {
        window.used_at = ++clock_;
        const std::uint64_t into = offset - window.offset;
        return window.bytes.subspan(into, std::min(at_most, window.bytes.size() - into));
    };
    const auto holds = [&](const Window& window) { return offset - window.offset < window.bytes.size(); };
    if (holds(windows_[last_window_])) [[likely]]
        return cut(windows_[last_window_]);
    auto chosen = std::ranges::find_if(windows_, holds);
    if (chosen == windows_.end()) {
        chosen = std::ranges::min_element(windows_, {}, &Window::used_at);
        TRY(fill(*chosen, offset));
    }
    last_window_ = static_cast<std::size_t>(chosen - windows_.begin());
    return cut(*chosen);
}

Result<> FileWindows::fill(Window& window, std::uint64_t offset) {
    window.bytes = {};
    if (mappable_ && map(window, offset))
        return {};
    mappable_ = false;
    window.mapping.reset();
    if (!window.buffer.is_mapped())
        window.buffer = TRY(Mapping::anonymous(read_window_bytes));
    if (load(window, offset, read_window_bytes))
        return {};
    // Something in the window cannot be read; it need not be the page that is asked for.
    return load(window, offset, file_.page_bytes);
}

bool FileWindows::map(Window& window, std::uint64_t offset) {
    const std::uint64_t start = offset / mapped_window_bytes * mapped_window_bytes;
    const std::uint64_t length = std::min(mapped_window_bytes, file_.bytes - start);
    auto mapping = Mapping::of_file(file_.fd, start, length, *file_.name);
    if (!mapping)
        return false;
    window.mapping = std::move(*mapping);
    window.bytes = window.mapping.bytes();
    window.offset = start;
    return true;
}

Result<> FileWindows::load(Window& window, std::uint64_t offset, std::uint64_t step) {
    const std::uint64_t start = offset / step * step;
    const auto bytes = window.buffer.bytes().first(std::min(step, file_.bytes - start));
    TRY(read_exactly_at(file_.fd, bytes, start, *file_.name));
    window.offset = start;
    window.bytes = bytes;
    return {};
}

Result<> FileWindows::read(std::uint64_t offset, std::span<std::byte> bytes) {
    while (!bytes.empty()) {
        if (offset >= file_.bytes)
            return fail(ErrorKind::no_data, "read {} bytes of '{}' at {:#x}: the file ends there",
                        bytes.size(), *file_.name, offset);
        const auto part = TRY(view(offset, bytes.size()));
        std::memcpy(bytes.data(), part.data(), part.size());
        bytes = bytes.subspan(part.size());
        offset += part.size();
    }
    return {};
}

Result<> FileWindows::peek(std::uint64_t offset, std::span<std::byte> bytes) {
    if (mappable_ && file_.reads_map)
        return read(offset, bytes);
    return read_exactly_at(file_.fd, bytes, offset, *file_.name);
}

} // namespace lifeboat
