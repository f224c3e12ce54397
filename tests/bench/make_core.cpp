// SPDX-License-Identifier: GPL-2.0-or-later
// Makes cores for measuring the walk of the memmap, as sparse files:
//
//     make_core anonymous GIB FILE   mostly anonymous memory, in single pages; struct pages of their own for
//     all of it make_core free GIB FILE        the same, mostly free, in blocks of order 10 make_core shared
//     TIB FILE      every section's struct pages are those of one: an eighth anonymous, the rest free
//
// The memory itself is all zero but for what the kernel needs. makedumpfile takes them for those of
// kernel 6.1.
#include "tests/bench/struct_page_writer.h"
#include "tests/builders/core_builder.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <format>
#include <stdexcept>
#include <string>

#include <fcntl.h>
#include <unistd.h>

namespace lifeboat::tests {

namespace {

constexpr std::uint64_t gibibyte = std::uint64_t{1} << 30;

// What makedumpfile wants to be told besides what the builder's kernels tell.
constexpr std::string_view keys_of_makedumpfile = R"(
kernel 6.1
set OSRELEASE=6.1.0
set SYMBOL(swapper_pg_dir)=ffffffff81001000
set SYMBOL(_stext)=ffffffff81000000
set NUMBER(KERNEL_IMAGE_SIZE)=1073741824
set SIZE(list_head)=16
)";

std::string machine(std::uint64_t bytes) {
    // As on a PC, with a hole below 4 GiB.
    std::string text(keys_of_makedumpfile);
    text += "ram 0x1000..0x9f000\n";
    const std::uint64_t low_end = std::min(bytes, 3 * gibibyte);
    text += std::format("ram 0x100000..{:#x}\n", low_end);
    if (bytes > low_end)
        text += std::format("ram {:#x}..{:#x}\n", 4 * gibibyte, bytes + gibibyte);
    return text;
}

void make_own(const Mixture& mixture, std::uint64_t bytes, const std::string& path) {
    const BuiltCore core = BuiltCore::from(machine(bytes) + "memmap unwritten\n");
    core.write(path);
    const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    StructPageWriter writer(mixture);
    for (const auto& [section, frames] : core.section_frames()) {
        const auto structs =
            writer.section(section, core.kernel_start() / page_bytes, core.kernel_end() / page_bytes);
        if (::pwrite(fd, structs.data(), structs.size(), static_cast<off_t>(core.file_offset(frames))) !=
            static_cast<ssize_t>(structs.size()))
            throw std::runtime_error("write '" + path + "'");
    }
    ::close(fd);
}

void make_shared(std::uint64_t bytes, const std::string& path) {
    // Section 8 begins at the second gibibyte; nothing of the kernel lies there.
    std::string text = machine(bytes) + "section 8 everywhere\n";
    const std::uint64_t first = 8 * pages_per_section;
    const std::uint64_t anonymous_end = first + pages_per_section / 8;
    text += std::format("page {:#x}..{:#x} anon lru\n", first, anonymous_end);
    text += std::format("page {:#x}..{:#x} buddy order 10\n", anonymous_end, first + pages_per_section);
    // Section 1 is the kernel's, and has something that is worth compressing.
    text += "page 0x8000 kernel\nfill 0x8000..0x8800 text \"what a kernel keeps here \"\nfill 0x8800..0x8a00 "
            "random\n";
    BuiltCore::from(text).write(path);
}

} // namespace

} // namespace lifeboat::tests

int main(int argc, char** argv) {
    using namespace lifeboat::tests;
    const std::string_view what = argc == 4 ? argv[1] : "";
    const std::uint64_t size = argc == 4 ? std::strtoull(argv[2], nullptr, 10) : 0;
    try {
        if (what == "anonymous" && size > 0)
            make_own(mostly_anonymous, size * gibibyte, argv[3]);
        else if (what == "free" && size > 0)
            make_own(mostly_free, size * gibibyte, argv[3]);
        else if (what == "shared" && size > 0)
            make_shared(size * 1024 * gibibyte, argv[3]);
        else {
            std::fputs("usage: make_core anonymous|free GIB FILE, make_core shared TIB FILE\n", stderr);
            return 2;
        }
    } catch (const std::exception& mistake) {
        std::fputs(std::format("make_core: {}\n", mistake.what()).c_str(), stderr);
        return 1;
    }
    return 0;
}
