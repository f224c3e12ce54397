// SPDX-License-Identifier: GPL-2.0-or-later
#include "qemu/guest/memory_blocks.h"

#include "base/descriptor.h"
#include "qemu/guest/console.h"
#include "qemu/guest/folder.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace guest {

namespace {

constexpr std::size_t mebibyte = std::size_t{1} << 20;
const std::string folder = "/sys/devices/system/memory/";
const std::string prefix = "memory";

// The numbers of all blocks, in order.
std::vector<unsigned long> blocks() {
    std::vector<unsigned long> numbers;
    for (const std::string& name : names_in(folder))
        if (name.starts_with(prefix))
            numbers.push_back(std::strtoul(name.c_str() + prefix.size(), nullptr, 10));
    std::ranges::sort(numbers);
    return numbers;
}

std::string state_file(unsigned long block) {
    return std::format("{}{}{}/state", folder, prefix, block);
}

std::size_t block_bytes() {
    return std::strtoull(must(lifeboat::read_file(folder + "block_size_bytes")).c_str(), nullptr, 16);
}

void wait_until_there(std::size_t count) {
    for (int attempt = 0; attempt < 600; ++attempt) {
        if (blocks().size() >= count)
            return;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    give_up("the DIMM does not come");
}

bool is_movable(unsigned long block) {
    const auto zones = lifeboat::read_file(std::format("{}{}{}/valid_zones", folder, prefix, block));
    return zones && zones->starts_with("Movable");
}

} // namespace

void plug_dimm(std::size_t mebibytes) {
    // Some kernels use new memory at once, and where they like.
    must(lifeboat::write_existing_file(folder + "auto_online_blocks", "offline"));
    const auto before = blocks();
    const std::size_t count = mebibytes * mebibyte / block_bytes();
    say("wants its DIMM");
    wait_until_there(before.size() + count);
    bool movable = true;
    for (const unsigned long block : blocks()) {
        if (std::ranges::binary_search(before, block))
            continue;
        must(lifeboat::write_existing_file(state_file(block), movable ? "online_movable" : "online_kernel"));
        movable = !movable;
    }
    say("has {} memory blocks more", blocks().size() - before.size());
}

void offline_block() {
    for (const unsigned long block : blocks()) {
        // Pages that are being written cannot move, and stop it for a while.
        for (int attempt = 0; is_movable(block) && attempt < 20; ++attempt) {
            if (lifeboat::write_existing_file(state_file(block), "offline")) {
                say("memory block {} is offline", block);
                return;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(200));
        }
    }
    give_up("no memory block can be taken offline");
}

} // namespace guest
