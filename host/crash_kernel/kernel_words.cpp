// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/crash_kernel/kernel_words.h"

#include <algorithm>
#include <array>
#include <string>

namespace lifeboat::host {

namespace {

// The running kernel's own boot: how it was found and loaded, its root, its init, its initrd's business. A
// name that ends in '.' stands for all that begin so.
constexpr std::string_view of_its_own_boot[] = {
    "BOOT_IMAGE", "bootconfig",      "crashkernel",    "elfcorehdr",    "fastboot",   "forcefsck", "fsck.",
    "hibernate",  "ignition.",       "init",           "initrd",        "initrdmem",  "ip",        "locale.",
    "luks.",      "nfsaddrs",        "nfsroot",        "noresume",      "plymouth.",  "quiet",     "rd.",
    "rdinit",     "resume",          "resumedelay",    "resume_offset", "resumewait", "ro",        "root",
    "rootdelay",  "rootflags",       "rootfstype",     "rootwait",      "rw",         "single",    "splash",
    "systemd.",   "udev.",           "vconsole.",      "vga",           "dm_verity.", "roothash",  "usrhash",
    "mount.usr",  "mount.usrfstype", "mount.usrflags",
};

// By which entry of lifeboat's it was booted. A crash after a rescue is one like any other.
constexpr std::string_view of_its_entry[] = {"lifeboat.good", "lifeboat.rescue"};

// Sizes and places that fit the whole machine's memory, or memory set aside in it.
constexpr std::string_view of_its_memory[] = {
    "cma",
    "default_hugepagesz",
    "dhash_entries",
    "hugepages",
    "hugepagesz",
    "hugetlb_cma",
    "hugetlb_cma_only",
    "initramfs_options",
    "ihash_entries",
    "kernelcore",
    "log_buf_len",
    "mem",
    "memhp_default_state",
    "memmap",
    "memory_hotplug.",
    "mhash_entries",
    "mphash_entries",
    "movable_node",
    "movablecore",
    "numa",
    "numa_balancing",
    "numa_cma",
    "ramoops.",
    "reserve_mem",
    "rhash_entries",
    "swapaccount",
    "swiotlb",
    "thash_entries",
    "transparent_hugepage",
    "uhash_entries",
    "cgroup.memory",
    "cgroup_disable",
    "cgroup_enable",
    "vmemmap",
    "zswap.",
};

// Aids to find faults, which take memory or time for a kernel that lives for some seconds.
constexpr std::string_view of_its_debugging[] = {
    "boot_delay",
    "debug_guardpage_minorder",
    "debug_pagealloc",
    "debug_objects",
    "early_page_ext",
    "fault_around_bytes",
    "ftrace",
    "ftrace_boot_snapshot",
    "ftrace_dump_on_oops",
    "ftrace_filter",
    "ftrace_graph_filter",
    "ftrace_notrace",
    "init_on_alloc",
    "init_on_free",
    "initcall_debug",
    "kasan",
    "kasan.",
    "kfence.",
    "kgdbwait",
    "kmemleak",
    "kprobe_event",
    "memtest",
    "page_owner",
    "page_poison",
    "page_alloc.shuffle",
    "slab_debug",
    "slab_nomerge",
    "slub_debug",
    "slub_nomerge",
    "stacktrace",
    "stacktrace_filter",
    "stack_depot_disable",
    "tp_printk",
    "trace_buf_size",
    "trace_event",
    "trace_instance",
    "trace_options",
    "trace_trigger",
    "traceoff_on_warning",
};

// CPUs that a crash kernel does not bring up.
constexpr std::string_view of_its_cpus[] = {
    "disable_cpu_apicid", "irqaffinity",   "isolcpus",  "maxcpus",       "nohz_full",    "nosmp", "nr_cpus",
    "nmi_watchdog",       "possible_cpus", "rcu_nocbs", "rcu_nocb_poll", "kthread_cpus",
};

// What ends a kernel that meets trouble: a crash kernel goes on as long as it can, for there is no second
// one.
constexpr std::string_view of_its_severity[] = {
    "crash_kexec_post_notifiers",
    "hardlockup_all_cpu_backtrace",
    "hardlockup_panic",
    "hung_task_panic",
    "oops",
    "panic",
    "panic_on_oops",
    "panic_on_taint",
    "panic_on_warn",
    "panic_print",
    "reset_devices",
    "softlockup_all_cpu_backtrace",
    "softlockup_panic",
    "sysctl.",
    "unknown_nmi_panic",
    "ima_appraise",
    "ima_policy",
    "evm",
};

constexpr std::span<const std::string_view> dropped_lists[] = {
    of_its_own_boot, of_its_entry, of_its_memory, of_its_debugging, of_its_cpus, of_its_severity};

constexpr GivenWord needed[] = {
    {"reset_devices", "drivers find devices as the dead kernel left them"},
    {"panic=5", "a crash kernel that panics reboots"},
    {"novmcoredd", "drivers' dumps of their devices take memory"},
    {"cgroup_disable=memory", "its bookkeeping takes memory"},
    {"cgroup.memory=nokmem", "the allocator of CPUs' own memory would set 2 MiB aside for that bookkeeping"},
    {"numa=off", "each node takes memory of its own"},
    {"acpi_no_memhotplug",
     "DIMMs that came later would be taken into use, with the memory to be dumped in them"},
    {"initramfs_options=size=90%",
     "since 6.18: what is unpacked may fill more than half of the memory that is free when nothing else is"},
    {"hest_disable", "the firmware's error records are about the dead kernel"},
    {"mce=off", "a machine check that the dead kernel left must not end this one"},
};

// docs/crash-kernel-memory.md has what each saves.
constexpr TrimmingWord trimming[] = {
    {"initramfs_async=0", "the initrd is unpacked before drivers take memory, not while they do", 8192},
    {"cryptomgr.notests", "tests of ciphers, all at once", 256},
    {"ipv6.disable=1", "its tables, and 2 MiB for BPF programs; targets are disks", 2200},
    {"thash_entries=2", "tables sized for a server's connections", 64},
    {"uhash_entries=256", "the same for UDP", 64},
    {"dhash_entries=256", "tables sized for many files", 64},
    {"ihash_entries=256", "the same for inodes", 64},
    {"coherent_pool=16K", "three pools of 128 KiB for drivers that must not wait", 336},
    {"initcall_blacklist=tracer_init_tracefs", "files of tracefs: 9 MiB of inodes before 6.6", 8600},
    {"initcall_blacklist=slab_sysfs_init,slab_late_init", "files in /sys/kernel/slab", 600},
    {"initcall_blacklist=cubictcp_register,kfunc_init,bpf_kfunc_init,bpf_rstat_kfunc_init,bpf_key_sig_kfuncs_"
     "init,"
     "bpf_kprobe_multi_kfuncs_init,cpumask_kfunc_init,crypto_kfunc_init,bpf_fs_kfuncs_init,bpf_prog_test_run_"
     "init,"
     "bpf_dummy_struct_ops_init,bpf_tcp_ca_kfunc_init,bpf_mptcp_kfunc_init,xdp_metadata_init",
     "the first of them has the kernel's own BTF parsed, for BPF programs that nobody loads", 6144},
    {"initcall_blacklist=bpf_global_ma_init", "memory in store for BPF programs", 336},
    {"initcall_blacklist=param_sysfs_builtin_init", "built-in modules' parameters in /sys/module", 228},
    {"initcall_blacklist=init_encrypted,crypto_kdf108_init,aa_create_aafs,hung_task_init,ksm_init",
     "keys that a TPM seals, AppArmor's files, a thread that looks for tasks that hang, one for guests' "
     "pages",
     444},
    {"initcall_blacklist=security_initcall_fs,netkit_mod_init,strp_dev_init",
     "since 6.19 the first has AppArmor's files; network devices for BPF, and parsers of network streams",
     360},
};

std::string normalized(std::string_view name) {
    std::string text(name);
    std::ranges::replace(text, '-', '_');
    return text;
}

bool matches(std::string_view pattern, std::string_view name) {
    return pattern.ends_with('.') ? name.starts_with(pattern) : name == pattern;
}

} // namespace

bool is_dropped(std::string_view name) {
    const std::string wanted = normalized(name);
    return std::ranges::any_of(dropped_lists, [&wanted](std::span<const std::string_view> list) {
        return std::ranges::any_of(list, [&wanted](std::string_view each) { return matches(each, wanted); });
    });
}

std::span<const GivenWord> needed_words() {
    return needed;
}

std::span<const TrimmingWord> trimming_words() {
    return trimming;
}

// Without it such a disk's driver would find no memory at the worst of times. Source: Linux
// block/bio-integrity.c, bio_integrity_initfn().
constinit const TrimmingWord without_integrity = {
    "initcall_blacklist=bio_integrity_initfn",
    "since 6.18: 4 MiB in store for disks with protection information", 4096};

bool same_parameter(std::string_view name, std::string_view other) {
    return normalized(name) == normalized(other);
}

} // namespace lifeboat::host
