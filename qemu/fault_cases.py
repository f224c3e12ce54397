# SPDX-License-Identifier: GPL-2.0-or-later
"""The faults that docs/faults.md tells of: what is provoked, and what must come ashore all the same."""

from case import Case, saved, small
from harness import checks
from harness.checks import Check
from harness.crash import TARGET_PATH, TARGET_UUID, Setup, target_disk
from harness.disk import MEBIBYTE, Disk

FIRST_UUID = "6c696665-626f-6174-8000-00000000000f"
FIRST = f"UUID={FIRST_UUID} {TARGET_PATH} ext4"
SECOND = f"target = UUID={TARGET_UUID} {TARGET_PATH} ext4"
SHORT_SEARCH = ["deadline.target = 8", "deadline.stall = 8"]
SLOW_BYTES_PER_SECOND = 5_000_000
KERNELS = ("6.1", "6.12", "7.3")
# What the dead kernel's log says at its end, by how it died.
LAST_WORDS = {
    "null": "BUG: kernel NULL pointer dereference",
    "bug": "kernel BUG at",
    "interrupt": "Kernel panic - not syncing: lifeboat_die: in an interrupt",
    "stack": "stack guard page was hit",
    "double": "double fault",
    "hung": "Kernel panic - not syncing: hung_task: blocked tasks",
    "soft": "Kernel panic - not syncing: softlockup: hung tasks",
    "nmi": "Kernel panic - not syncing: ",
    "busy": "Kernel panic - not syncing: ",
    "oom": "Kernel panic - not syncing: Out of memory",
}


def first_disk(**changes) -> Disk:
    """The plan's first target, with what is wrong with it."""
    wanted = {"name": "first", "size_bytes": 512 * MEBIBYTE, "uuid": FIRST_UUID, "folder": TARGET_PATH}
    return Disk(**(wanted | changes))


def unrelated_disk(**changes) -> Disk:
    return Disk("unrelated", 64 * MEBIBYTE, uuid=FIRST_UUID, **changes)


def second_takes_it(first: Disk, *more: Check, tier: str = "long", **options) -> Case:
    """All that the first target does not take comes to the second."""
    setup = small(target=FIRST, other_disks=[first], plan=[SECOND, *SHORT_SEARCH], **options)
    return saved(setup, checks.says(f"lifeboat: summary .* target=UUID={TARGET_UUID} "), *more, tier=tier)


def beside(unrelated: Disk, *more: Check, tier: str = "long") -> Case:
    """An unrelated disk that is seen before the target costs seconds at most."""
    return saved(small(other_disks=[unrelated]), checks.is_done_within(20), *more, tier=tier)


def dies(way: str, kernel: str = "6.1", cpus: int = 2, tier: str = "long") -> Case:
    setup = Setup(kernel=kernel, memory="512M", cpus=cpus, dies=way)
    expected = [
        checks.has_summary("saved"),
        checks.has_dump,
        checks.has_log,
        checks.has_kernel_log_with(LAST_WORDS[way]),
    ]
    return Case(setup, expected, tier=tier)


# The row that each case stands for: what is provoked, by kind. A case's kernel and CPUs are its setup's.
ROWS: dict[str, tuple[str, str]] = {
    "main-6.1": ("Ways to die", "magic sysrq key"),
    "main-6.12": ("Ways to die", "magic sysrq key"),
    "main-7.3": ("Ways to die", "magic sysrq key"),
    "debian-6.1-bug": ("Ways to die", "BUG() in a whole system"),
    "target-missing": ("Disks", "the target never appears"),
    "target-vanishes": ("Disks", "the target vanishes in the middle"),
    "target-fails": ("Disks", "the target fails in the middle of the vmcore (EIO), no other target"),
    "target-full": ("Disks", "full in the middle of the vmcore, no other target"),
    "target-crowded": ("Disks", "no room for the vmcore, older dumps may go"),
    "target-in-use": ("Disks", "a journal to replay"),
    "vmcore-unreadable": ("Damage", "pages of the dead kernel that cannot be read"),
    "vmcore-truncated": ("Damage", "a core that ends too early"),
    "vmcoreinfo-missing": ("Damage", "no VMCOREINFO"),
    "plan-lost": ("Damage", "the plan is garbage"),
    "child-killed": ("Memory", "the child that copies is killed, once"),
    "child-crashes": ("Memory", "the child that copies dies of a fault, once"),
    "child-crashes-always": ("Memory", "the child that copies dies of a fault, each time"),
    "child-out-of-memory": ("Memory", "the child that copies is taken by the OOM killer, once"),
    "child-out-of-memory-always": ("Memory", "the child that copies is taken by the OOM killer, each time"),
    "child-hangs": ("Time", "the child that copies is stopped, once"),
    "child-hangs-always": ("Time", "the child that copies is stopped, each time"),
    "init-stands-still": ("Time", "PID 1 is stopped (softdog)"),
    "init-stands-still-7.3": ("Time", "PID 1 is stopped (i6300esb)"),
    "machine-stands-still": ("Time", "all CPUs of the crash kernel stand still (i6300esb)"),
}
FAULT_CASES: dict[str, Case] = {}


def add(name: str, kind: str, fault: str, case: Case) -> None:
    ROWS[name] = (kind, fault)
    FAULT_CASES[name] = case


WAYS = {
    "null": "NULL dereference",
    "bug": "BUG()",
    "interrupt": "panic in an interrupt",
    "stack": "stack overflow",
    "double": "double fault",
    "hung": "hung task (hung_task_panic)",
    "soft": "soft lockup (softlockup_panic)",
    "nmi": "NMI (unknown_nmi_panic)",
    "busy": "all CPUs busy with interrupts off, then an NMI",
    "oom": "out of memory (panic_on_oom)",
}
for _kernel in KERNELS:
    for _way, _fault in WAYS.items():
        for _cpus in (1, 4):
            add(f"dies-{_way}-{_kernel}-{_cpus}cpu", "Ways to die", _fault, dies(_way, _kernel, _cpus))

# Where: 0 memmap, 1 page tables, 2 kernel log, by the seed's rest; each three seeds another kernel.
FLIPPED = ("memmap", "page tables", "kernel log")
FLIP_SEEDS = 200
for _seed in range(FLIP_SEEDS):
    _kernel = KERNELS[_seed // len(FLIPPED) % len(KERNELS)]
    add(
        f"flipped-{_seed}-{_kernel}",
        "Damage",
        f"bits flipped just before the panic: {FLIPPED[_seed % len(FLIPPED)]}",
        Case(
            Setup(kernel=_kernel, memory="512M", dies="flip", first_options=[f"seed={_seed}"]),
            [checks.is_saved_if_started],
            tier="long",
        ),
    )

add(
    "first-full",
    "Disks",
    "the first of two targets has no free block",
    second_takes_it(
        first_disk(size_bytes=64 * MEBIBYTE, is_full=True),
        checks.says("lifeboat: dmesg: .*No space left on device, looking for another target"),
        tier="medium",
    ),
)
add(
    "first-no-inodes",
    "Disks",
    "the first of two targets has no free inode",
    second_takes_it(first_disk(size_bytes=64 * MEBIBYTE, has_inodes=False), checks.says("lifeboat: dmesg: .*No space left")),
)
add("first-read-only", "Disks", "the first of two targets is read-only", second_takes_it(first_disk(is_read_only=True)))
add(
    "first-damaged",
    "Disks",
    "the first of two targets has a damaged file system (group descriptors)",
    second_takes_it(first_disk(damage=range(4096, 8192)), checks.says("lifeboat: target: mount .*going on without it")),
)
add(
    "first-fails",
    "Disks",
    "the first of two targets fails in the middle of the vmcore (EIO)",
    second_takes_it(
        first_disk(size_bytes=4096 * MEBIBYTE, bad_mebibytes=range(44, 128)),
        checks.has_on_other("first", "vmcore-dmesg.txt", "vmcore.incomplete"),
        checks.says("lifeboat: vmcore: write .*: I/O error, keeping what is there"),
    ),
)
add(
    "first-unreadable",
    "Disks",
    "the first of two targets cannot be read at all (EIO)",
    second_takes_it(first_disk(unreadable_mebibytes=range(0, 512))),
)
add("first-hangs", "Disks", "the first of two targets answers nothing from the panic on", second_takes_it(first_disk(hangs=True)))
add(
    "first-absent",
    "Disks",
    "the first of two targets is not there",
    second_takes_it(Disk("unrelated", 64 * MEBIBYTE)),
)
add(
    "unrelated-slow",
    "Disks",
    "an unrelated disk answers one request a second",
    beside(unrelated_disk(limits={"iops-total": 1}), tier="medium"),
)
add("unrelated-hangs", "Disks", "an unrelated disk answers nothing from the panic on", beside(unrelated_disk(hangs=True)))
add(
    "unrelated-unreadable",
    "Disks",
    "an unrelated disk cannot be read (EIO)",
    beside(unrelated_disk(unreadable_mebibytes=range(0, 64))),
)
add(
    "two-with-one-uuid",
    "Disks",
    "another disk has the target's UUID, and the size tells them apart",
    saved(
        small(
            packed=True,
            target="/mnt/crash",
            other_disks=[Disk("twin", 64 * MEBIBYTE, uuid=TARGET_UUID, folder=TARGET_PATH)],
        ),
        tier="long",
    ),
)
add(
    "target-comes-late",
    "Disks",
    "the target appears after 20 s",
    saved(small(target_comes_after_seconds=20, bus="scsi"), tier="long"),
)
add(
    "target-slow",
    "Disks",
    "the target takes 5 MB/s",
    saved(small(target_disk=target_disk(limits={"bps-total": SLOW_BYTES_PER_SECOND})), tier="long"),
)
add(
    "target-full-of-dumps",
    "Disks",
    "no free block, older dumps may go",
    saved(
        small(
            target_disk=target_disk(
                size_bytes=96 * MEBIBYTE,
                older_dumps={"20200101T000000Z-guest": 60, "20200201T000000Z-guest": 1},
                is_full=True,
            ),
            plan=["prune = when-full"],
        ),
        checks.says("lifeboat: dmesg: .*removed the older dump '20200101T000000Z-guest'"),
        checks.has_left("20200201T000000Z-guest"),
        tier="long",
    ),
)
add(
    "target-full-alone",
    "Disks",
    "no free block, no other target",
    Case(
        small(target_disk=target_disk(size_bytes=64 * MEBIBYTE, is_full=True)),
        [
            checks.has_summary("failed"),
            checks.has_no_dump,
            checks.says(r"lifeboat: \| .*Kernel panic - not syncing: sysrq triggered crash"),
            checks.says("lifeboat: summary .* error=no_space:"),
        ],
        tier="long",
    ),
)
add(
    "target-read-only-alone",
    "Disks",
    "read-only, no other target",
    Case(
        small(target_disk=target_disk(is_read_only=True)),
        [
            checks.has_summary("failed"),
            checks.says(r"lifeboat: \| .*Kernel panic - not syncing: sysrq triggered crash"),
        ],
        tier="long",
    ),
)
add(
    "target-hangs-alone",
    "Disks",
    "the target answers nothing from the panic on, no other target",
    Case(
        small(target_disk=target_disk(hangs=True), plan=SHORT_SEARCH),
        [
            checks.has_summary("failed"),
            checks.is_done_within(90),
            checks.says(r"lifeboat: \| .*Kernel panic - not syncing: sysrq triggered crash"),
        ],
        tier="long",
    ),
)
# The child of each stage is stopped as soon as it is seen; deadlines that are short enough to be waited for.
HUNG_STAGE_DEADLINES = [f"deadline.{stage} = 5" for stage in ("modules", "target", "dmesg", "finish", "stall")]
HUNG_STAGES = {
    # Without modules nothing is reached; the way to a target is gone once more.
    "modules": [checks.has_summary("saved", "failed")],
    "target": [checks.has_summary("saved")],
    "mount": [checks.has_summary("saved")],
    "dmesg": [checks.has_summary("saved")],
    "finish": [checks.has_summary("saved"), checks.has_dump],
}
for _stage, _expected in HUNG_STAGES.items():
    add(
        f"stage-hangs-{_stage}",
        "Time",
        f"stage {_stage} hangs (its child is stopped)",
        Case(
            small(
                guest_options=["saboteur=stop", f"victim={_stage}", "delay=0"], plan=[*HUNG_STAGE_DEADLINES, "coldplug = never"]
            ),
            [*_expected, checks.is_done_within(60), checks.says("guest: saboteur: stop for process")],
            tier="long",
        ),
    )
for _delay_ms in range(0, 1000, 100):
    add(
        f"child-killed-after-{_delay_ms}ms",
        "Memory",
        "the child that copies is killed, at ten points of its work",
        saved(small(guest_options=["saboteur=kill", f"delay={_delay_ms}"]), tier="long"),
    )
add(
    "init-starved",
    "Memory",
    "real-time tasks take all CPUs for half a minute",
    saved(small(guest_options=["saboteur=starve"]), checks.is_done_within(90), tier="long"),
)
add(
    "second-panic",
    "Memory",
    "the crash kernel itself panics",
    Case(
        small(guest_options=["saboteur=panic"]),
        [checks.has_no_dump, checks.has_kernel_log, checks.says("guest: saboteur: panic for process")],
        tier="long",
    ),
)
for _missing_mebibytes in (2, 4, 8, 16):
    _reserved = 60 - _missing_mebibytes
    add(
        f"reservation-{_missing_mebibytes}M-too-small",
        "Memory",
        f"{_reserved}M reserved, {_missing_mebibytes} MiB less than is asked for",
        Case(
            small(crashkernel=f"{_reserved}M", packed=True, target="/mnt/crash", first_words=["nokaslr"]),
            [],
            tier="long",
        ),
    )
