# SPDX-License-Identifier: GPL-2.0-or-later
"""The table of cases on a full Debian system: what is done there, and must come of it."""

from dataclasses import dataclass

from debian import (
    busybox,
    captures,
    crash_test,
    fallback,
    hooks,
    kdump_tools,
    known_good,
    lent_memory,
    round_trip,
    smallest,
    upkeep,
)
from debian.base import DRACUT, INITRAMFS_TOOLS
from debian.captures import BUG, SYSRQ, Flow


@dataclass
class DebianCase:
    """One row. `tier` is the test's label; `timeout_seconds` is for all of it, the making of the system included."""

    flow: Flow
    tier: str = "long"
    timeout_seconds: int = 1800
    is_timed: bool = False


DEBIAN_CASES: dict[str, DebianCase] = {
    # Install, reboot, panic, and back in the same system
    "debian-6.1": DebianCase(captures.captures("6.1", SYSRQ), tier="medium"),
    "debian-6.1-bug": DebianCase(captures.captures("6.1", BUG, SYSRQ)),
    "debian-6.12": DebianCase(captures.captures("6.12", SYSRQ, BUG)),
    "debian-6.1-generic": DebianCase(captures.captures("6.1-generic", SYSRQ, BUG)),
    "debian-crash-test": DebianCase(crash_test.crash_test("6.1")),
    # Debian 13, /boot a partition of its own: all of it in turn, by kernel and by the maker of the system's initrds
    "debian13-6.12": DebianCase(round_trip.round_trip("6.12-trixie", INITRAMFS_TOOLS), timeout_seconds=3600),
    "debian13-6.12-dracut": DebianCase(round_trip.round_trip("6.12-trixie", DRACUT), timeout_seconds=3600),
    "debian13-7.3": DebianCase(round_trip.round_trip("7.3", INITRAMFS_TOOLS), timeout_seconds=3600),
    "debian13-7.3-dracut": DebianCase(round_trip.round_trip("7.3", DRACUT), timeout_seconds=3600),
    "debian13-7.3-cma": DebianCase(lent_memory.lent_memory("7.3")),
    # Kernels come and go, builds fail
    "debian-new-kernel": DebianCase(upkeep.new_kernel("6.1", "6.12")),
    "debian-hooks": DebianCase(hooks.hooks("6.1")),
    "debian-failing-build": DebianCase(upkeep.failing_build("6.1")),
    # The smallest reservation that captures, in MiB
    "smallest-6.1": DebianCase(smallest.lifeboat("6.1", 56, 76), timeout_seconds=3600),
    "smallest-6.12": DebianCase(smallest.lifeboat("6.12", 56, 76), timeout_seconds=3600),
    "smallest-6.1-generic": DebianCase(smallest.lifeboat("6.1-generic", 72, 92), timeout_seconds=3600),
    "smallest-kdump-tools-6.1": DebianCase(smallest.debian("6.1", 64, 128), timeout_seconds=7200),
    "smallest-kdump-tools-6.12": DebianCase(smallest.debian("6.12", 64, 128), timeout_seconds=7200),
    "smallest-kdump-tools-6.1-generic": DebianCase(smallest.debian("6.1-generic", 64, 192), timeout_seconds=7200),
    # Its own initrd is broken: the boot menu's rescue entries
    "fallback": DebianCase(fallback.rescues("6.1", fallback.TRUNCATED), tier="medium"),
    "fallback-bios": DebianCase(
        fallback.rescues("6.1", fallback.TRUNCATED, fallback.EMPTY, fallback.WITHOUT_DISKS, fallback.WRONG_ROOT),
        timeout_seconds=3600,
    ),
    "fallback-uefi": DebianCase(
        fallback.rescues(
            "6.1", fallback.TRUNCATED, fallback.EMPTY, fallback.WITHOUT_DISKS, fallback.WRONG_ROOT, uefi=True
        ),
        timeout_seconds=3600,
    ),
    "fallback-hardware": DebianCase(fallback.hardware("6.1-generic", "blk", "sata", "nvme", "usb", "megasas", "pvscsi")),
    "fallback-console": DebianCase(fallback.console("6.1")),
    # What has booted is kept
    "good-follows-upgrade": DebianCase(known_good.follows_upgrade("6.1", "6.12")),
    "good-panicking-kernel": DebianCase(known_good.panicking_kernel("6.1")),
    "good-full-disk": DebianCase(known_good.full_disk("6.1")),
    "good-power-cuts": DebianCase(known_good.power_cuts("6.1"), timeout_seconds=3600),
    # What Debian has of its own, and what can be made of its packages
    "kdump-tools-loads-ours": DebianCase(kdump_tools.loads_our_files("6.1")),
    "busybox-6.1": DebianCase(busybox.busybox("6.1", 76, 108), timeout_seconds=3600),
    "busybox-6.12": DebianCase(busybox.busybox("6.12", 72, 104), timeout_seconds=3600),
    "busybox-6.1-generic": DebianCase(busybox.busybox("6.1-generic", 88, 120), timeout_seconds=3600),
    "kdump-tools-6.1": DebianCase(kdump_tools.baseline("6.1")),
    "kdump-tools-6.12": DebianCase(kdump_tools.baseline("6.12")),
    "kdump-tools-6.1-generic": DebianCase(kdump_tools.baseline("6.1-generic")),
}
