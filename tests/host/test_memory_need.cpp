// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/crash_kernel/crash_kernel_state.h"
#include "host/machine/memory_need.h"
#include "tests/builders/fake_machine.h"

#include <doctest/doctest.h>

using namespace lifeboat::host;

namespace {

constexpr std::uint64_t mebibyte = 1 << 20;

} // namespace

TEST_CASE("the need is a sum of named parts") {
    const auto parts = memory_need({.kernel_init_bytes = 50 * mebibyte,
                                    .packed_bytes = mebibyte / 2,
                                    .rootfs_bytes = 2 * mebibyte,
                                    .module_bytes = mebibyte});
    std::uint64_t sum = 0;
    for (const MemoryPart& part : parts) {
        CHECK_FALSE(part.source.empty());
        sum += part.bytes;
    }
    CHECK(sum == sum_of(parts));
    CHECK(parts[0].bytes == 50 * mebibyte);
    CHECK(sum >= 52 * mebibyte + mebibyte / 2);
    // A few modules fit into what the kernel gives back before init starts, many do not.
    CHECK(parts.back().bytes == 0);
    const auto more = memory_need({.kernel_init_bytes = 50 * mebibyte,
                                   .packed_bytes = mebibyte / 2,
                                   .rootfs_bytes = 2 * mebibyte,
                                   .module_bytes = 20 * mebibyte});
    CHECK(more.back().bytes > 10 * mebibyte);
    CHECK(more.back().bytes < 20 * mebibyte);
}

TEST_CASE("a kernel that follows hotplug has room for it in its ELF header") {
    const MemoryInput input{.kernel_init_bytes = 50 * mebibyte};
    MemoryInput following = input;
    following.follows_hotplug = true;
    CHECK(sum_of(memory_need(following)) - sum_of(memory_need(input)) == 896 * 1024);
}

TEST_CASE("each section of memory that the reservation lies in costs 2 MiB") {
    const auto need_in = [](unsigned sections) {
        return sum_of(memory_need({.kernel_init_bytes = 50 * mebibyte, .reserved_sections = sections}));
    };
    CHECK(need_in(2) - need_in(1) == 2 * mebibyte);
    CHECK(need_in(0) == need_in(1)); // not known
    CHECK(need_in_sections(60 * mebibyte, 3) == 64 * mebibyte);
    CHECK(need_in_sections(60 * mebibyte, 0) == 60 * mebibyte);
    const Manifest manifest{.kernel = "6.1", .facts = {{memory_need_fact, "62914560"}}};
    CHECK(noted_need(manifest, 2) == 62 * mebibyte);
    CHECK_FALSE(noted_need({.kernel = "6.1", .facts = {{memory_need_fact, "much"}}}, 1).has_value());
    CHECK_FALSE(noted_need({.kernel = "6.1"}, 1).has_value());
}

TEST_CASE("the sum in words") {
    const std::vector<MemoryPart> parts{{"image", 51 * mebibyte + mebibyte / 2, "x"},
                                        {"none", 0, "x"},
                                        {"initrd", mebibyte + mebibyte / 20, "x"}};
    CHECK(sum_text(parts) == "image 51.5 MiB + initrd 1.0 MiB = 52.5 MiB");
    CHECK(in_mebibytes(0) == "0.0 MiB");
    CHECK(in_mebibytes(mebibyte - 1) == "1.0 MiB");
}

TEST_CASE("a reservation has some room, in steps that bootloaders' files are written in") {
    CHECK(recommended_reservation_bytes(56 * mebibyte) == 64 * mebibyte);
    CHECK(recommended_reservation_bytes(56 * mebibyte + 1) == 80 * mebibyte);
}

TEST_CASE("what is reserved") {
    const lifeboat::tests::FakeMachine machine("");
    CHECK(read_crash_kernel_state(machine.paths()).reserved_bytes == 128 * mebibyte);
    CHECK(read_crash_kernel_state(machine.paths()).reserved_sections == 0);
    machine.write("proc/iomem", "00100000-3fffffff : System RAM\n  37000000-3effffff : Crash kernel\n");
    CHECK(read_crash_kernel_state(machine.paths()).reserved_sections == 2);
    machine.write("sys/kernel/kexec_crash_size", "many\n");
    CHECK(read_crash_kernel_state(machine.paths()).reserved_bytes == 0);
}
