// SPDX-License-Identifier: GPL-2.0-or-later
// Looks at a file through a few mapped windows of fixed size: memory does not grow with the file. Where it
// cannot be mapped, windows are read instead. One for each thread.
#pragma once

#include "base/mapping.h"
#include "base/result.h"

#include <array>
#include <cstdint>
#include <span>
#include <string>

namespace lifeboat {

// How a file's content is read. Mapped is faster. But a page that the machine cannot read (a memory error, a
// disk error under a file) raises SIGBUS through a mapping, where read(2) fails for that page alone: so a
// second attempt, after a first that died, reads.
enum class FileAccess : std::uint8_t { map, read };

// `fd` and `name` are the owner's, and outlive what uses them.
struct WindowedFile {
    int fd;
    std::uint64_t bytes;
    std::uint64_t page_bytes; // what is tried alone where a whole window cannot be read
    const std::string* name;
    FileAccess access;
    bool reads_map = false; // each read maps what it copies, as those of /proc/vmcore do
};

class FileWindows {
public:
    explicit FileWindows(const WindowedFile& file)
        : file_(file)
        , mappable_(file.access == FileAccess::map) {}

    // The bytes from `offset`, which lies in the file: at least one and at most `at_most`, as many as lie in
    // one window. The view holds until the third further call with an offset elsewhere.
    Result<std::span<const std::byte>> view(std::uint64_t offset, std::uint64_t at_most);
    // Copies; crosses windows. Fails with no_data past the file's end.
    Result<> read(std::uint64_t offset, std::span<std::byte> bytes);
    // The same for a little that has nothing near it that will be looked at: no window is made for it where
    // reading is quicker than the page fault that would be taken.
    Result<> peek(std::uint64_t offset, std::span<std::byte> bytes);

private:
    struct Window {
        std::uint64_t offset = 0;
        std::span<const std::byte> bytes;
        Mapping mapping; // where it is mapped
        Mapping buffer;  // where it is read
        std::uint64_t used_at = 0;
    };

    Result<> fill(Window& window, std::uint64_t offset);
    bool map(Window& window, std::uint64_t offset);
    Result<> load(Window& window, std::uint64_t offset, std::uint64_t step);

    WindowedFile file_;
    std::array<Window, 4> windows_;
    std::size_t last_window_ = 0;
    std::uint64_t clock_ = 0;
    bool mappable_;
};

} // namespace lifeboat
