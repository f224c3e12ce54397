// SPDX-License-Identifier: GPL-2.0-or-later
#include "qemu/guest/balloon.h"

#include "base/descriptor.h"
#include "qemu/guest/console.h"
#include "qemu/guest/page_content.h"

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

namespace guest {

static std::size_t inflated_pages() {
    const std::string text = must(lifeboat::read_file("/proc/vmstat"));
    constexpr std::string_view key = "balloon_inflate ";
    const auto at = text.find(key);
    return at == text.npos ? 0 : std::strtoull(text.c_str() + at + key.size(), nullptr, 10);
}

void inflate_balloon(std::size_t mebibytes) {
    const std::size_t wanted_pages = (mebibytes << 20) / page_bytes;
    say("wants its balloon");
    for (int attempt = 0; attempt < 600; ++attempt) {
        if (inflated_pages() >= wanted_pages) {
            say("has given back {} pages", wanted_pages);
            return;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    give_up(std::format("the balloon has {} pages, not {}", inflated_pages(), wanted_pages));
}

} // namespace guest
