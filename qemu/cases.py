# SPDX-License-Identifier: GPL-2.0-or-later
"""The table of cases: what is set up, and what must come of it."""

from case import Case, saved, small
from harness import checks
from harness.checks import Check
from harness.crash import BUS_DRIVERS, TARGET_PATH, TARGET_UUID, Setup, target_disk
from harness.disk import MEBIBYTE, Disk

PARTITION_UUID = "6c696665-626f-6174-8000-000000000003"
OTHER_UUID = "6c696665-626f-6174-8000-0000000000ff"
OLD_DUMP = "20200101T000000Z-guest"
NEWEST_DUMP = "20200201T000000Z-guest"
# A stage that hangs may take this long in the cases about deadlines.
SHORT_DEADLINES = ["deadline.target = 5", "deadline.stall = 5", "deadline.vmcore = 30", "deadline.total = 60"]
WATCHDOG_SECONDS = 10
DAMAGED_ROWS = ["level = many", "colour = blue", "\x01\x02\x7f", "deadline.vmcore = -1", "= =", "module ="]
all_planned_modules_load = checks.says(r"lifeboat: modules: [1-9]\d* loaded, 0 failed")
SUMMARY_FIELDS = [
    *("bytes", "pages", "dumped", "zero", "identical", "unreadable", "doubts"),
    *("kept", "cache", "cache_private", "user", "free", "hwpoison", "offline"),
    *("seconds_total", "seconds_dmesg", "seconds_vmcore", "mem_available_min_kib"),
]


def reference(kernel: str, level: int = 31, tier: str = "long") -> Case:
    setup = Setup(kernel=kernel, level=level, raw=True)
    return saved(setup, checks.agrees_with_reference, tier=tier, timeout_seconds=1800)


# What the first kernel's memory is filled with in every case; the classifier has to find it.
CONTENTS = ["huge", "hugetlb", "ksm", "swapcache", "tmpfs", "pagecache", "free"]
SOME_LEVELS = "0,1,2,4,8,16,31"


def every_level(
    kernel: str, shape: str, *contents: str, makedumpfile_levels: str | None = None, tier: str = "long", **options
) -> Case:
    """A machine of some shape, whose raw vmcore is filtered at every level."""
    setup = Setup(kernel=kernel, raw=True, deadline_seconds=600, **options)
    # The marking of pages as failed can be asked for from programs on one of the kernels only.
    wanted = [*CONTENTS, *contents, *(["hwpoison"] if kernel != "6.1" else [])]
    levels = checks.agrees_at_every_level(shape, wanted, makedumpfile_levels)
    # The readers take half a minute, which the quicker tier has spent on other dumps.
    readers = [checks.agrees_with_reference] if tier == "long" else []
    return saved(setup, levels, *readers, tier=tier, timeout_seconds=3600)


def shapes(kernel: str) -> dict[str, Case]:
    """The machines over which the exactness of the engine is shown."""
    dimm = {"memory": "1G", "dimm_mebibytes": 512, "balloon_mebibytes": 64}
    dimm_contents = ("offline", "not-online", "above-4g")
    rows = {
        "2G": every_level(kernel, "2G 2cpus"),
        "8G": every_level(
            kernel,
            "8G 4cpus 4levels",
            "above-4g",
            memory="8G",
            cpus=4,
            five_levels=False,
            makedumpfile_levels=SOME_LEVELS,
        ),
        "kexec-load": every_level(kernel, "2G 1cpu kexec_load", cpus=1, first_options=["kexec-load"]),
        "dimm": every_level(
            kernel, "1G+dimm 2cpus", *dimm_contents, first_options=["offline-block"], **dimm
        ),
        "dimm-kexec-load": every_level(
            kernel,
            "1G+dimm 4cpus 4levels kexec_load",
            *dimm_contents,
            first_options=["offline-block", "kexec-load"],
            cpus=4,
            five_levels=False,
            **dimm,
        ),
    }
    return {f"levels-{kernel}-{name}": case for name, case in rows.items()}


def kernel_log_only(setup: Setup, *more: Check) -> Case:
    return Case(setup, [*checks.KERNEL_LOG_ONLY, *more])


def broken_off(disk: Disk, *more: Check) -> Case:
    """Not all of the dump gets to the disk: what stands says so, is right, and crash reads it.

    The kernel lies low in memory, so that it is in there.
    """
    setup = small(target_disk=disk, raw=True, first_words=["nokaslr"])
    expected = [checks.has_summary("incomplete"), checks.has_no_dump, checks.has_kernel_log]
    return Case(
        setup, [*expected, checks.has_incomplete_dump, checks.agrees_with_reference, *more], timeout_seconds=1800
    )


def sabotaged(how: str, *more: Check, every_time: bool = False, tier: str = "medium") -> Case:
    """Harm done to the child that copies the vmcore: once it is started again, after that no more."""
    options = [f"saboteur={how}"] + (["every-time"] if every_time else [])
    setup = Setup(guest_options=options, plan=SHORT_DEADLINES)
    expected = checks.KERNEL_LOG_ONLY if every_time else checks.SAVED
    return Case(setup, [*expected, checks.says(rf"guest: saboteur: {how}"), *more], tier=tier)


def stands_still(how: str, *more: Check, tier: str = "medium", **options) -> Case:
    """lifeboat is kept from its end; without a watchdog the machine would never come back."""
    setup = small(
        packed=True,
        target="/mnt/crash",
        guest_options=[f"saboteur={how}"],
        plan=[f"watchdog.timeout = {WATCHDOG_SECONDS}"],
        **options,
    )
    ended = checks.is_ended_by_watchdog(WATCHDOG_SECONDS)
    started = checks.says(rf"lifeboat: watchdog: .* started, it restarts the machine {WATCHDOG_SECONDS} s after")
    return Case(setup, [ended, started, *more], tier=tier, is_timed=True)


def main(kernel: str, tier: str = "medium") -> Case:
    return saved(
        Setup(kernel=kernel),
        checks.has_fields(*SUMMARY_FIELDS),
        checks.has_initrd_of_at_most(1_500_000),
        checks.is_done_within(8),
        checks.has_field_of_at_most("peak_kib", 16 * 1024),
        tier=tier,
        is_timed=True,
    )


def loaded_by_lifeboat(kernel: str, crashkernel: str) -> Case:
    # The first kernel where it was linked to be, so that the reservation lies within one 128 MiB section of memory, as it does
    # on most machines: in two it has to be 2 MiB larger.
    setup = small(
        kernel=kernel,
        crashkernel=crashkernel,
        packed=True,
        target="/mnt/crash",
        first_options=["lifeboat-load"],
        first_words=["nokaslr"],
    )
    return saved(setup, checks.says("Command line: .* initramfs_async=0 "))


CASES: dict[str, Case] = {
    # What it is for
    "main-6.1": main("6.1"),
    "main-6.12": main("6.12", tier="long"),
    "main-7.3": main("7.3"),
    # The first run fetches a debug kernel of 300 MB for each; the oldest and the newest are worth it every time.
    "reference-6.1": reference("6.1", tier="medium"),
    "reference-6.12": reference("6.12"),
    "reference-7.3": reference("7.3", tier="medium"),
    "reference-level-0": reference("6.1", level=0),
    "reference-level-1": reference("6.12", level=1),
    "levels-6.1-small": every_level(
        "6.1",
        "512M 1cpu 4levels",
        "offline",
        memory="512M",
        cpus=1,
        five_levels=False,
        balloon_mebibytes=32,
        makedumpfile_levels=SOME_LEVELS,
        tier="medium",
    ),
    "levels-6.12-small": every_level(
        "6.12", "512M 1cpu 4levels", "offline", memory="512M", cpus=1, five_levels=False, balloon_mebibytes=32
    ),
    **shapes("6.1"),
    **shapes("6.12"),
    "levels-7.3-small": every_level(
        "7.3", "512M 1cpu 4levels", "offline", memory="512M", cpus=1, five_levels=False, balloon_mebibytes=32
    ),
    **shapes("7.3"),
    # The struct pages of a hugetlb page's tails are all one page then, the same for all of a size.
    **{
        f"levels-{kernel}-hugetlb-memmap": every_level(
            kernel, "2G 2cpus hugetlb_free_vmemmap", first_words=["hugetlb_free_vmemmap=on"]
        )
        for kernel in ("6.1", "6.12", "7.3")
    },
    # This kernel keeps the list of what there is to dump up to date when memory comes after the crash kernel.
    "levels-6.12-dimm-late": every_level(
        "6.12",
        "1G+late-dimm 2cpus",
        "above-4g",
        memory="1G",
        dimm_mebibytes=512,
        first_options=["dimm-late"],
    ),
    # The initrd that `lifeboat pack` makes
    "packed": saved(Setup(packed=True, target="/mnt/crash"), all_planned_modules_load),
    "packed-6.12": saved(
        Setup(packed=True, kernel="6.12", bus="blk", target=f"/dev/vda {TARGET_PATH}"), all_planned_modules_load
    ),
    "packed-partition": saved(
        small(
            packed=True,
            target="/mnt/crash",
            target_disk=target_disk(partition_uuid=PARTITION_UUID, partition_label="dumps"),
        ),
        all_planned_modules_load,
        tier="long",
    ),
    # Little memory
    "crashkernel-96M": saved(Setup(crashkernel="96M"), tier="long"),
    "crashkernel-96M-6.12": saved(Setup(kernel="6.12", crashkernel="96M"), tier="long"),
    "crashkernel-80M": saved(Setup(crashkernel="80M"), tier="long"),
    "crashkernel-80M-6.12": saved(Setup(kernel="6.12", crashkernel="80M"), tier="long"),
    # Stock kernels in the least memory, loaded by the host command with the command line that it composes
    "crashkernel-60M": loaded_by_lifeboat("6.1", "60M"),
    "crashkernel-64M-6.12": loaded_by_lifeboat("6.12", "64M"),
    "crashkernel-72M-7.3": loaded_by_lifeboat("7.3", "72M"),
    "crashkernel-76M-6.1-generic": loaded_by_lifeboat("6.1-generic", "76M"),
    # Part of it is lent to user space until the panic
    "crashkernel-cma-7.3": saved(
        Setup(
            kernel="7.3",
            memory="1G",
            crashkernel="96M",
            lent_mebibytes=64,
            packed=True,
            target="/mnt/crash",
            first_options=["lifeboat-load"],
        ),
        checks.uses_lent_memory,
        tier="long",
    ),
    # Other machines
    "four-levels": saved(Setup(five_levels=False), tier="long"),
    "four-levels-6.12": saved(Setup(kernel="6.12", five_levels=False), tier="long"),
    "one-cpu-512M": saved(Setup(cpus=1, memory="512M"), tier="long"),
    "last-cpu-panics": saved(Setup(first_options=["panic-on-last-cpu"]), tier="long"),
    "last-cpu-panics-6.12": saved(Setup(kernel="6.12", first_options=["panic-on-last-cpu"]), tier="long"),
    "virtio-blk": saved(Setup(bus="blk"), tier="long"),
    "kexec-load": saved(Setup(first_options=["kexec-load"])),
    "target-in-use": saved(Setup(first_options=["target-in-use"])),
    # The ways to name a target
    "target-label": saved(
        small(target=f"LABEL=lifeboat {TARGET_PATH} ext4 rw", target_disk=target_disk(label="lifeboat")),
        tier="long",
    ),
    "target-partuuid": saved(
        small(
            target=f"PARTUUID={PARTITION_UUID} {TARGET_PATH}",
            target_disk=target_disk(partition_uuid=PARTITION_UUID),
        ),
        tier="long",
    ),
    "target-partlabel": saved(
        small(target=f"PARTLABEL=dumps {TARGET_PATH} auto", target_disk=target_disk(partition_label="dumps")),
        tier="long",
    ),
    "target-path": saved(small(bus="blk", target=f"/dev/vda {TARGET_PATH} ext4"), tier="long"),
    "target-second": saved(
        small(
            target=f"UUID={OTHER_UUID} {TARGET_PATH} ext4",
            plan=[f"target = UUID={TARGET_UUID} {TARGET_PATH} ext4", *SHORT_DEADLINES],
        )
    ),
    # Bad input
    "target-missing": Case(
        small(target=f"UUID={OTHER_UUID} {TARGET_PATH} ext4", plan=SHORT_DEADLINES),
        [
            checks.has_summary("failed"),
            checks.has_no_dump,
            checks.says(f"lifeboat: .*{OTHER_UUID}"),
            checks.says(f"lifeboat: .*/dev/sd[ab].*{TARGET_UUID}"),
            checks.is_done_within(15),
        ],
    ),
    "target-full": broken_off(target_disk(size_bytes=12 * MEBIBYTE)),
    "target-crowded": saved(
        small(
            target_disk=target_disk(size_bytes=48 * MEBIBYTE, older_dumps={OLD_DUMP: 24, NEWEST_DUMP: 1}),
            plan=["prune = when-full"],
        ),
        checks.says(f"lifeboat: vmcore: .*removed the older dump '{OLD_DUMP}'"),
        checks.has_left(NEWEST_DUMP),
        checks.has_removed(OLD_DUMP),
    ),
    # The dump is the first large file and lies right behind the inode tables, at 34 MiB.
    "target-fails": broken_off(
        target_disk(bad_mebibytes=range(44, 128)), checks.says("lifeboat: vmcore: write .*: I/O error")
    ),
    "target-vanishes": Case(
        small(target_vanishes=True),
        [checks.has_summary("dmesg-only", "incomplete"), checks.has_no_dump, checks.has_kernel_log],
    ),
    "module-missing": saved(
        small(plan=["module = /lib/modules/none/absent.ko"]), checks.says("lifeboat: .*absent.ko")
    ),
    "driver-unplanned": saved(
        small(plan_drivers=[], initrd_drivers=BUS_DRIVERS["scsi"], plan=SHORT_DEADLINES),
        checks.says("lifeboat: coldplug: [1-9]"),
    ),
    "plan-damaged": saved(
        small(plan=DAMAGED_ROWS),
        checks.says("lifeboat: .*colour"),
        checks.says("lifeboat: .*many"),
    ),
    "plan-lost": saved(
        small(
            whole_plan=bytes(range(256)) * 64,
            crash_options=[f'lifeboat.target="UUID={TARGET_UUID} {TARGET_PATH} ext4"'],
        )
    ),
    "vmcoreinfo-missing": Case(
        small(guest_options=["vmcore=novmcoreinfo"], guest_drivers=["fuse"]),
        [
            checks.has_summary("saved"),
            # Nothing but zero pages can be told then.
            checks.has_dump_of_level(1),
            checks.says("lifeboat: .*no VMCOREINFO.*keeping every page"),
            checks.says("lifeboat: .*not enough for level 31: level 1$"),
            checks.says("lifeboat: summary .* level=1 .* asked_level=31"),
        ],
    ),
    "vmcore-truncated": Case(
        small(guest_options=["vmcore=truncated"], guest_drivers=["fuse"]),
        [checks.has_summary("partial"), checks.has_dump, checks.says("lifeboat: .*truncated")],
        tier="long",
    ),
    "vmcore-unreadable": Case(
        small(guest_options=["vmcore=ioerror"], guest_drivers=["fuse"]),
        [checks.has_summary("partial"), checks.has_dump, checks.says("lifeboat: .*(Bus error)")],
        tier="long",
    ),
    # A child that comes to harm
    "child-killed": sabotaged("kill"),
    "child-crashes": sabotaged("crash", tier="long"),
    "child-crashes-always": sabotaged("crash", every_time=True, tier="long"),
    "child-hangs": sabotaged("stop"),
    "child-hangs-always": sabotaged("stop", every_time=True, tier="long"),
    "child-out-of-memory": sabotaged("oom", checks.says(r"Killed process \d+ \(lb-vmcore\)")),
    "child-out-of-memory-always": sabotaged(
        "oom", checks.says(r"Killed process \d+ \(lb-vmcore\)"), every_time=True, tier="long"
    ),
    # What stands still is restarted by a watchdog: the machine by a hardware one, PID 1 by the kernel's own
    "machine-stands-still": stands_still(
        "stand-still", checks.has_no_dump, kernel="6.1-generic", has_watchdog=True
    ),
    "machine-stands-still-7.3": stands_still(
        "stand-still", checks.has_no_dump, tier="long", kernel="7.3", has_watchdog=True
    ),
    # Its children go on, and may come to the dump's end.
    "init-stands-still": stands_still("hold-init"),
    "init-stands-still-7.3": stands_still("hold-init", tier="long", kernel="7.3", has_watchdog=True),
    "console-missing": Case(
        small(guest_options=["noconsole"]), [checks.has_dump, checks.has_kernel_log, checks.has_log]
    ),
}
