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
    constexpr std::uint64_t need = 60 * mebibyte;
    const struct {
        Reservation reservation;
        std::uint64_t mebibytes;
        bool suffices;
    } rows[] = {
        {{}, 62, false},                                      // nothing yet: wherever it will lie
        {{.bytes = 128 * mebibyte, .sections = 0}, 62, true}, // not known where
        {{.bytes = 128 * mebibyte, .sections = 1}, 62, true}, // the same number as before the boot
        {{.bytes = 128 * mebibyte, .sections = 2}, 62, true},
        {{.bytes = 256 * mebibyte, .sections = 3}, 64, true},
        {{.bytes = 61 * mebibyte, .sections = 1}, 60, true}, // small, but it lies well
        {{.bytes = 59 * mebibyte, .sections = 1}, 60, false},
        {{.bytes = 61 * mebibyte, .sections = 2}, 62, false},
        {{.bytes = 61 * mebibyte, .sections = 0}, 62, false},
        {{.bytes = 62 * mebibyte, .sections = 2}, 62, true},
        {{.bytes = 48 * mebibyte, .sections = 1, .lent_bytes = 256 * mebibyte, .lent_sections = 2}, 66, true},
        {{.bytes = 48 * mebibyte, .sections = 1, .lent_bytes = 8 * mebibyte, .lent_sections = 1}, 62, false},
    };
    for (const auto& row : rows) {
        CAPTURE(row.reservation.bytes / mebibyte);
        CAPTURE(row.reservation.sections);
        CHECK(need_for(need, row.reservation) == row.mebibytes * mebibyte);
        CHECK(does_suffice(row.reservation, need) == row.suffices);
    }
    CHECK(noted_need({.kernel = "6.1", .facts = {{memory_need_fact, "62914560"}}}) == need);
    CHECK_FALSE(noted_need({.kernel = "6.1", .facts = {{memory_need_fact, "much"}}}).has_value());
    CHECK_FALSE(noted_need({.kernel = "6.1"}).has_value());
}

TEST_CASE("what a kernel takes while it boots is measured, or an estimate with a margin") {
    const auto need_of = [](const std::string& version) {
        return sum_of(memory_need({.kernel_version = version, .kernel_init_bytes = 50 * mebibyte}));
    };
    for (const char* known :
         {"6.1.0-57-cloud-amd64", "6.12.117+deb12-cloud-amd64", "7.3.4+deb13-cloud-amd64"}) {
        CAPTURE(known);
        CHECK(is_measured_kernel(known));
        CHECK(need_of(known) + 4 * mebibyte < need_of("6.9.1-amd64"));
    }
    for (const char* unknown :
         {"6.13.1-amd64", "7.2.1+deb13-amd64", "7.30.1-amd64", "6.12.9-200.fc41.x86_64", ""})
        CHECK_FALSE(is_measured_kernel(unknown));
}

TEST_CASE("disks with protection information, and a rootfs that may fill half of memory only") {
    const MemoryInput input{.kernel_init_bytes = 50 * mebibyte, .rootfs_bytes = 20 * mebibyte};
    MemoryInput other = input;
    other.has_integrity_disks = true;
    CHECK(sum_of(memory_need(other)) - sum_of(memory_need(input)) == 4 * mebibyte);
    other = input;
    other.limits_rootfs = true;
    CHECK(sum_of(memory_need(other)) - sum_of(memory_need(input)) == 13 * mebibyte);
    other.rootfs_bytes = 4 * mebibyte;
    CHECK(sum_of(memory_need(input)) - sum_of(memory_need(other)) == 16 * mebibyte);
}

TEST_CASE("the sum in words") {
    const std::vector<MemoryPart> parts{{"image", 51 * mebibyte + mebibyte / 2, "x"},
                                        {"none", 0, "x"},
                                        {"initrd", mebibyte + mebibyte / 20, "x"}};
    CHECK(sum_text(parts) == "image 51.5 MiB + initrd 1.0 MiB = 52.5 MiB");
    CHECK(in_mebibytes(0) == "0.0 MiB");
    CHECK(in_mebibytes(mebibyte - 1) == "1.0 MiB");
}

TEST_CASE("what is recommended has room, in steps that bootloaders' files are written in") {
    CHECK(recommended_reservation_bytes(0) == 128 * mebibyte); // nothing is packed
    CHECK(recommended_reservation_bytes(118 * mebibyte) == 128 * mebibyte);
    CHECK(recommended_reservation_bytes(118 * mebibyte + 1) == 144 * mebibyte);
}

TEST_CASE("what is reserved") {
    const lifeboat::tests::FakeMachine machine("");
    CHECK(read_crash_kernel_state(machine.paths()).reserved_bytes == 128 * mebibyte);
    CHECK(read_crash_kernel_state(machine.paths()).reserved_sections == 0);
    machine.write("proc/iomem", "00100000-3fffffff : System RAM\n  37000000-3effffff : Crash kernel\n");
    CHECK(read_crash_kernel_state(machine.paths()).reserved_sections == 2);
    CHECK(read_crash_kernel_state(machine.paths()).lent.bytes == 0);
    machine.write("sys/kernel/kexec/crash_cma_ranges", "40000000-47ffffff\n100000000-10fffffff\n");
    const Reservation reservation = read_crash_kernel_state(machine.paths()).reservation();
    CHECK(reservation.bytes == 128 * mebibyte);
    CHECK(reservation.sections == 2);
    CHECK(reservation.lent_bytes == 384 * mebibyte);
    CHECK(reservation.lent_sections == 3);
    machine.write("sys/kernel/kexec_crash_size", "many\n");
    CHECK(read_crash_kernel_state(machine.paths()).reserved_bytes == 0);
}
