// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/crash_kernel/command_line.h"
#include "host/crash_kernel/kernel_words.h"
#include "stages/kernel_command_line.h"
#include "tests/error_text.h"

#include <algorithm>
#include <utility>

#include <doctest/doctest.h>

using namespace lifeboat;
using namespace lifeboat::host;
using lifeboat::tests::error_text;

namespace {

// What each row's line has between the running kernel's words and the extra ones.
std::string own_words(const std::string& machine) {
    std::string line;
    for (const GivenWord& given : needed_words())
        line += std::string(given.word) + " ";
    line += machine;
    std::string list;
    for (const TrimmingWord& given : trimming_words())
        if (given.word.starts_with("initcall_blacklist="))
            list += (list.empty() ? "" : ",") + std::string(given.word.substr(19));
    list += ",bio_integrity_initfn";
    bool is_listed = false;
    for (const TrimmingWord& given : trimming_words())
        if (!given.word.starts_with("initcall_blacklist="))
            line += " " + std::string(given.word);
        else if (!std::exchange(is_listed, true))
            line += " initcall_blacklist=" + list;
    return line;
}

std::string composed(const CommandLineParts& parts) {
    const auto line = compose_crash_command_line(parts);
    return line ? line->text : "error: " + line.error().text;
}

bool has_word(const std::string& line, std::string_view word) {
    return std::ranges::contains(parse_kernel_command_line(line), word, &KernelParameter::text);
}

} // namespace

TEST_CASE("the running kernel's words: what stays and what goes") {
    const struct {
        std::string_view running;
        std::string_view kept;
    } rows[] = {
        {"", ""},
        {"BOOT_IMAGE=/boot/vmlinuz-6.1 root=UUID=1 ro quiet splash crashkernel=128M console=ttyS0,115200n8\n",
         "console=ttyS0,115200n8"},
        {"console=tty0 console=ttyS0", "console=tty0 console=ttyS0"},
        // Of a boot from the menu's entries; init in the crash kernel would find fault with them.
        {"lifeboat.good=6.1+20260101T000000Z lifeboat.rescue=repair lifeboat.level=1", "lifeboat.level=1"},
        {"iommu=pt intel_iommu=on pci=noaer acpi=noirq nomodeset noapic efi=runtime no_timer_check",
         "iommu=pt intel_iommu=on pci=noaer acpi=noirq nomodeset noapic efi=runtime no_timer_check"},
        {"resume=/dev/sda2 resume_offset=5 hugepages=4 hugepagesz=1G default_hugepagesz=1G memmap=1G!4G "
         "mem=4G",
         ""},
        {"rd.lvm.lv=vg/root systemd.unit=rescue.target rootflags=subvol=x rootfstype=btrfs", ""},
        {"isolcpus=1-3 nohz_full=1-3 rcu_nocbs=1-3 irqaffinity=0 maxcpus=4 nr_cpus=8", ""},
        {"panic=0 oops=panic panic_on_warn=1 softlockup_panic=1 sysctl.kernel.panic=0 "
         "sysctl.vm.min_free_kbytes=900000 unknown_nmi_panic",
         ""},
        {"log_buf_len=16M swiotlb=262144 slub_debug=FZP page_owner=on init_on_alloc=1 trace_event=sched:*",
         ""},
        {"lifeboat.good=6.1+20261201T011158Z lifeboat.rescue=boot lifeboat.level=1", "lifeboat.level=1"},
        {"initramfs_options=size=10%", ""},
        {"slub-debug log-buf-len=1M", ""}, // the kernel takes - for _
        {"virtio_blk.poll_queues=1 dyndbg=\"file x +p\" \"nvme.y=a b\"",
         "virtio_blk.poll_queues=1 dyndbg=\"file x +p\" \"nvme.y=a b\""},
        {"rootx=1 rdx=2 initcall_level=3", "rootx=1 rdx=2 initcall_level=3"},
        {"console=ttyS0 -- console=ttyS1 single", "console=ttyS0"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.running);
        const std::string kept(row.kept);
        CHECK(composed({.running = row.running}) ==
              kept + (kept.empty() ? "" : " ") + own_words("nr_cpus=1"));
    }
}

TEST_CASE("what the machine asks for") {
    CHECK(composed({.cpus = 1, .boot_cpu_apic_id = 0}) == own_words("nr_cpus=1"));
    CHECK(composed({.cpus = 4, .boot_cpu_apic_id = 32}) == own_words("nr_cpus=4 disable_cpu_apicid=32"));
    CHECK(composed({.cpus = 2}) == own_words("nr_cpus=2"));
    CHECK(composed({.cpus = 2, .boot_cpu_apic_id = 0, .has_shared_interrupts = true}) ==
          own_words("nr_cpus=2 disable_cpu_apicid=0 irqpoll"));
    CHECK(composed({.memory_end = std::uint64_t{1} << 46}) == own_words("nr_cpus=1 no5lvl"));
    CHECK(composed({.cpus = 2, .has_trusted_tsc = true}) == own_words("nr_cpus=2 tsc=nowatchdog"));
    CHECK(composed({.cpus = 1, .has_trusted_tsc = true}) == own_words("nr_cpus=1"));
    CHECK(composed({.memory_end = (std::uint64_t{1} << 46) + 1}) == own_words("nr_cpus=1"));
    CHECK_FALSE(composed({.has_integrity_disks = true}).contains("bio_integrity_initfn"));
    CHECK(crash_kernel_cpus(0, 1) == 1);
    CHECK(crash_kernel_cpus(0, 64) == 2);
    CHECK(crash_kernel_cpus(8, 4) == 8);
}

TEST_CASE("the administrator's words win") {
    const std::string replaced =
        composed({.running = "console=ttyS0", .extra = "panic=60 nr-cpus=3 console=tty1 quiet"});
    CHECK(replaced.starts_with("console=ttyS0 "));
    CHECK(replaced.ends_with(" panic=60 nr-cpus=3 console=tty1 quiet"));
    for (const char* word : {"panic=5", "nr_cpus=1"})
        CHECK_FALSE(has_word(replaced, word));

    const std::string taken = composed({.running = "a=1 b=2 a=3", .extra = "-a=1 -b -mce -numa=on"});
    CHECK(taken.starts_with("a=3 "));
    CHECK_FALSE(has_word(taken, "mce=off"));
    CHECK(has_word(taken, "numa=off"));
    CHECK_FALSE(has_word(taken, "b=2"));
}

TEST_CASE("initcalls to be left out are one list") {
    const std::string line =
        composed({.running = "initcall_blacklist=first,second", .extra = "initcall_blacklist=last"});
    CHECK(line.starts_with("initcall_blacklist=first,second,"));
    CHECK(line.contains(",last "));
    const std::string without =
        composed({.running = "initcall_blacklist=first", .extra = "-initcall_blacklist=tracer_init_tracefs"});
    CHECK_FALSE(without.contains("tracer_init_tracefs"));
    CHECK(without.starts_with("initcall_blacklist=first"));
    CHECK_FALSE(composed({.running = "a", .extra = "-initcall_blacklist"}).contains("initcall"));
}

TEST_CASE("words that save little go where the line is too long for the kernel") {
    const std::size_t own = composed({}).size();
    const std::string longest(command_line_maximum - own - 1, 'x');
    const auto whole = compose_crash_command_line({.running = longest});
    REQUIRE(whole);
    CHECK(whole->text.size() == command_line_maximum);
    CHECK(whole->left_out.empty());
    const auto one_less = compose_crash_command_line({.running = longest + "y"});
    REQUIRE(one_less);
    CHECK(one_less->left_out == std::vector<std::string>{"thash_entries=2"});
    CHECK_FALSE(has_word(one_less->text, "thash_entries=2"));
    CHECK(has_word(one_less->text, "uhash_entries=256"));
    // What the administrator has taken out before is not what there was no room for.
    const auto other =
        compose_crash_command_line({.running = longest + std::string(20, 'y'), .extra = "-thash_entries"});
    REQUIRE(other);
    CHECK(other->left_out == std::vector<std::string>{"uhash_entries=256"});
}

TEST_CASE("what a crash kernel needs stays, however long the line is") {
    std::size_t needed = 0;
    for (const GivenWord& given : needed_words())
        needed += given.word.size() + 1;
    const std::string nr_cpus = "nr_cpus=1";
    const std::string longest(command_line_maximum - needed - nr_cpus.size() - 1, 'x');
    const auto bare = compose_crash_command_line({.running = longest});
    REQUIRE(bare);
    CHECK(bare->text.size() == command_line_maximum);
    CHECK(bare->left_out.size() == trimming_words().size() + 1);
    CHECK(bare->left_out.back() == "initcall_blacklist=tracer_init_tracefs");
    for (const GivenWord& given : needed_words())
        CHECK(has_word(bare->text, given.word));
    CHECK(error_text(compose_crash_command_line({.running = longest + "y"}))
              .starts_with("the crash kernel's command line has 2017 bytes, a kernel takes 2016; "
                           "`command_line = -WORD ...` in the configuration takes words out: xxxx"));
}

TEST_CASE("a crash kernel's own line makes the same line again") {
    const std::string once = composed({});
    CHECK(composed({.running = once}) == once);
}
