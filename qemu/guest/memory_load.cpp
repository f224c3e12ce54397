// SPDX-License-Identifier: GPL-2.0-or-later
#include "qemu/guest/memory_load.h"

#include "base/descriptor.h"
#include "qemu/guest/console.h"
#include "qemu/guest/page_content.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/wait.h>
#include <unistd.h>

namespace guest {

namespace {

using lifeboat::open_file;

constexpr std::size_t mebibyte = std::size_t{1} << 20;
constexpr std::size_t huge_page_bytes = 2 * mebibyte;

std::size_t memory_total_bytes() {
    const std::string text = must(lifeboat::read_file("/proc/meminfo"));
    constexpr std::string_view key = "MemTotal:";
    const auto at = text.find(key);
    if (at == text.npos)
        give_up("no MemTotal in '/proc/meminfo'");
    return std::strtoull(text.c_str() + at + key.size(), nullptr, 10) * 1024;
}

// That many percent of the machine's memory, in whole huge pages, at least one.
std::size_t share_bytes(double percent) {
    static const std::size_t total_bytes = memory_total_bytes();
    const auto wanted_bytes = static_cast<std::size_t>(static_cast<double>(total_bytes) * percent / 100);
    return std::max(wanted_bytes / huge_page_bytes, std::size_t{1}) * huge_page_bytes;
}

std::span<std::byte> map_anonymous(std::size_t size_bytes, int extra_flags = 0) {
    void* place =
        mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | extra_flags, -1, 0);
    if (place == MAP_FAILED)
        give_up(std::format("map {} bytes: {}", size_bytes, std::strerror(errno)));
    return {static_cast<std::byte*>(place), size_bytes};
}

// Room at a huge page's border.
std::span<std::byte> map_aligned(std::size_t size_bytes) {
    const auto room = map_anonymous(size_bytes + huge_page_bytes);
    const auto address = reinterpret_cast<std::uintptr_t>(room.data());
    return room.subspan((huge_page_bytes - address % huge_page_bytes) % huge_page_bytes, size_bytes);
}

void advise(std::span<std::byte> memory, int advice) {
    if (madvise(memory.data(), memory.size(), advice) < 0)
        say("madvise {}: {}, going on without", advice, std::strerror(errno));
}

void hold_anonymous(std::uint32_t seed) {
    const auto memory = map_anonymous(share_bytes(5));
    advise(memory, MADV_NOHUGEPAGE);
    fill_pages(memory, seed);
}

void hold_huge() {
    const auto memory = map_aligned(share_bytes(8));
    advise(memory, MADV_HUGEPAGE);
    fill_pages(memory, 20);
}

// One page of the pool in four stays free: reserved, holding nothing.
void hold_hugetlb() {
    const std::size_t pool = share_bytes(5) / huge_page_bytes;
    const auto set = lifeboat::write_existing_file("/proc/sys/vm/nr_hugepages", std::format("{}\n", pool));
    const std::size_t taken = std::max(pool - pool / 4, std::size_t{1});
    must(set);
    fill_pages(map_anonymous(taken * huge_page_bytes, MAP_HUGETLB), 30);
}

// A page that is taken out of use as if it had failed, out of a huge page, which is split. Not every kernel
// can; one that can kills who has the page.
void hold_poisoned() {
    const auto memory = map_aligned(huge_page_bytes);
    fill_pages(memory, 45);
    advise(memory.subspan(3 * page_bytes, page_bytes), MADV_HWPOISON);
}

void hold_mergeable() {
    const auto memory = map_anonymous(share_bytes(0.5));
    advise(memory, MADV_NOHUGEPAGE);
    for (std::size_t offset = 0; offset < memory.size(); offset += 16 * page_bytes)
        fill_pages(memory.subspan(offset, 16 * page_bytes), 40);
    advise(memory, MADV_MERGEABLE);
}

// Leaves pages both in the swap file and in the swap cache.
void hold_swapped() {
    const auto memory = map_anonymous(2 * mebibyte);
    advise(memory, MADV_NOHUGEPAGE);
    fill_pages(memory, 50);
    advise(memory, MADV_PAGEOUT);
    [[maybe_unused]] volatile std::byte touched{};
    for (std::size_t offset = 0; offset < memory.size(); offset += 2 * page_bytes)
        touched = memory[offset];
}

void write_file(const std::string& path, std::size_t size_bytes, std::uint32_t seed) {
    const auto file = must(open_file(path, O_WRONLY | O_CREAT | O_TRUNC, 0600));
    std::vector<std::byte> piece(mebibyte);
    for (std::size_t written = 0; written < size_bytes; written += piece.size()) {
        fill_pages(piece, seed + static_cast<std::uint32_t>(written / piece.size()));
        must(lifeboat::write_all(file.get(), piece, path));
    }
}

void read_through(const std::string& path) {
    const auto file = must(open_file(path, O_RDONLY));
    std::vector<std::byte> piece(mebibyte);
    while (must(lifeboat::read_some(file.get(), piece, path)) == piece.size()) {
    }
}

// Written pages of ext4 carry buffers (private); pages read back do not.
void cache_files(const std::string& disk) {
    const std::string read_back = disk + "/read-back";
    write_file(read_back, share_bytes(4), 1000);
    sync();
    must(lifeboat::write_existing_file("/proc/sys/vm/drop_caches", "1\n"));
    read_through(read_back);
    write_file(disk + "/written", share_bytes(6), 2000);
}

void fill_slab() {
    const std::size_t count = share_bytes(100) / mebibyte;
    mkdir("/tmp/names", 0755);
    for (std::size_t index = 0; index < count * 2; ++index)
        must(open_file(std::format("/tmp/names/a-file-without-content-{}", index), O_WRONLY | O_CREAT, 0600));
}

// Pipes and sockets with something in them, left open.
void fill_channels() {
    std::vector<std::byte> piece(page_bytes);
    for (std::uint32_t index = 0; index < 100; ++index) {
        std::array<int, 2> ends{};
        must_call(index % 2 ? pipe(ends.data()) : socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()),
                  "make a channel");
        fill_pages(piece, 60 + index);
        must(lifeboat::write_all(ends[1], piece, "channel"));
    }
}

void start_swap(const std::string& disk) {
    constexpr std::size_t size_bytes = 8 * mebibyte;
    const std::string path = disk + "/swap";
    write_file(path, size_bytes, 3000);
    // mkswap(8)'s header: version and last page at 1024, the signature at the first page's end.
    std::array<std::byte, page_bytes> header{};
    const std::array<std::uint32_t, 2> fields = {1, size_bytes / page_bytes - 1};
    std::memcpy(header.data() + 1024, fields.data(), sizeof fields);
    std::memcpy(header.data() + page_bytes - 10, "SWAPSPACE2", 10);
    const auto file = must(open_file(path, O_WRONLY));
    must(lifeboat::write_all_at(file.get(), header, 0, path));
    must_call(fsync(file.get()), "sync the swap file");
    must_call(swapon(path.c_str(), 0), "swapon");
}

// Runs "work" in a child that then keeps its memory; the child's pipe end closes when the work is done.
void keep_in_child(const char* name, int done, const std::function<void()>& work) {
    if (must_call(fork(), "fork") != 0)
        return;
    prctl(PR_SET_NAME, name);
    work();
    close(done);
    for (;;)
        pause();
}

void run_in_child(const std::function<void()>& work) {
    const auto child = static_cast<pid_t>(must_call(fork(), "fork"));
    if (child == 0) {
        work();
        _exit(0);
    }
    waitpid(child, nullptr, 0);
}

void wait_until_merged() {
    for (int attempt = 0; attempt < 300; ++attempt) {
        if (must(lifeboat::read_file("/sys/kernel/mm/ksm/pages_sharing")) != "0\n")
            return;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    say("no page was merged so far");
}

void start_merging() {
    const std::string folder = "/sys/kernel/mm/ksm/";
    must(lifeboat::write_existing_file(folder + "sleep_millisecs", "20\n"));
    must(lifeboat::write_existing_file(folder + "pages_to_scan", "4000\n"));
    must(lifeboat::write_existing_file(folder + "run", "1\n"));
}

} // namespace

void leave_traces() {
    run_in_child([] { fill_pages(map_anonymous(share_bytes(20)), 70); });
}

void load_memory(const char* disk) {
    // By itself the kernel has no huge pages where there is less than 512 MiB.
    must(lifeboat::write_existing_file("/sys/kernel/mm/transparent_hugepage/enabled", "always\n"));
    std::array<int, 2> done{};
    must_call(pipe(done.data()), "make a pipe");
    keep_in_child("guest-hugetlb", done[1], hold_hugetlb);
    keep_in_child("guest-huge", done[1], hold_huge);
    keep_in_child("guest-mergeable", done[1], hold_mergeable);
    keep_in_child("guest-poisoned", done[1], hold_poisoned);
    start_merging();
    for (std::uint32_t index = 0; index < 3; ++index)
        keep_in_child("guest-anonymous", done[1], [index] { hold_anonymous(index); });
    start_swap(disk);
    keep_in_child("guest-swapped", done[1], hold_swapped);
    cache_files(disk);
    write_file("/tmp/file", share_bytes(6), 4000);
    fill_slab();
    fill_channels();
    wait_until_merged();
    // Last, or others would take the freed pages; and only when the children are done with theirs.
    close(done[1]);
    char nothing = 0;
    while (read(done[0], &nothing, 1) > 0) {
    }
    leave_traces();
}

} // namespace guest
