// SPDX-License-Identifier: GPL-2.0-or-later
#include "qemu/guest/memory_report.h"

#include "base/descriptor.h"
#include "base/text.h"
#include "qemu/guest/console.h"

#include <filesystem>

#include <unistd.h>

namespace guest {

static void report_slab(std::string_view line) {
    // name <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : ... : slabdata <active>
    // <num_slabs> ...
    const auto words = lifeboat::split_words(line);
    if (words.size() < 15)
        return;
    const auto pages = lifeboat::parse_unsigned(words[5]).value_or(0);
    const auto slabs = lifeboat::parse_unsigned(words[14]).value_or(0);
    const auto kib = pages * slabs * 4;
    if (kib >= 64)
        say("slab {} {} KiB, {} objects of {} bytes", words[0], kib, words[2], words[3]);
}

static void report_area(std::string_view line) {
    // 0xSTART-0xEND BYTES CALLER ...: areas that only map a device take no memory
    const auto words = lifeboat::split_words(line);
    const auto bytes = words.size() < 3 ? 0 : lifeboat::parse_unsigned(words[1]).value_or(0);
    if (bytes >= std::uint64_t{64} << 10 && !line.contains("ioremap"))
        say("vmalloc {} KiB {}", bytes >> 10, words[2]);
}

static void report_threads() {
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        if (const auto name = lifeboat::read_file(entry.path() / "comm"))
            say("thread {} {}", entry.path().filename().string(), lifeboat::trim(*name));
    }
}

// What is freed a moment later, and what the kernel would give back when asked, is not to be counted by
// chance.
static void settle() {
    sleep(1);
    must(lifeboat::write_existing_file("/proc/sys/vm/drop_caches", "3"));
    sleep(1);
}

void report_memory() {
    settle();
    const std::string meminfo = must(lifeboat::read_file("/proc/meminfo"));
    for (const std::string_view line : lifeboat::split_lines(meminfo))
        say("meminfo {}", line);
    const std::string slabs = must(lifeboat::read_file("/proc/slabinfo"));
    for (const std::string_view line : lifeboat::split_lines(slabs))
        report_slab(line);
    const std::string areas = must(lifeboat::read_file("/proc/vmallocinfo"));
    for (const std::string_view line : lifeboat::split_lines(areas))
        report_area(line);
    report_threads();
    reboot_now();
}

} // namespace guest
