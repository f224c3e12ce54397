# SPDX-License-Identifier: GPL-2.0-or-later
"""A reservation that is lent to user space in part (crashkernel=SIZE,cma): what the administrator is told of it."""

from collections.abc import Iterator

from . import system_image
from .base import INITRAMFS_TOOLS
from .captures import INSTALL_SECONDS, SYSRQ, Flow, Summary, Tried, capture, install, look_at_dumps, tell_seconds
from .guest import Guest

FIXED_MEBIBYTES = 96
LENT_MEBIBYTES = 64
CONFIG = "/etc/lifeboat.conf"
# Keeps what belongs to programs, which is what the kernel puts into memory that it has lent.
LEVEL_WITH_USER_MEMORY = 23
EXIT_DEGRADED = 3


def lent_memory(line: str) -> Flow:
    """Told apart from the fixed part, degraded where the dump would lack something by it, and a panic is captured."""

    def flow(tried: Tried) -> Iterator[str]:
        with Guest(system_image.fetch(line, initrd_maker=INITRAMFS_TOOLS), tried.folder, [tried.package]) as guest:
            install(guest)
            _reserve(guest)
            yield from _is_told_apart(guest)
            guest.check(f"echo 'level = {LEVEL_WITH_USER_MEMORY}' >> {CONFIG}")
            yield from _is_told_to_lack(guest)
            guest.check(f"sed -i '$d' {CONFIG}")
            print(guest.check("lifeboat pack && lifeboat load", INSTALL_SECONDS), flush=True)
            summaries: list[Summary] = []
            yield from capture(guest, SYSRQ, summaries)
            guest.power_off()
        yield from look_at_dumps(guest, tried, line, (SYSRQ,), summaries)

    return flow


def _reserve(guest: Guest) -> None:
    words = f"crashkernel={FIXED_MEBIBYTES}M crashkernel={LENT_MEBIBYTES}M,cma"
    guest.check(f"sed -i 's/^GRUB_CMDLINE_LINUX=\"/&{words} /' /etc/default/grub && update-grub", INSTALL_SECONDS)
    guest.reboot()
    guest.wait_until_up()


def _is_told_apart(guest: Guest) -> Iterator[str]:
    status = guest.run("lifeboat status")
    print(status.output, flush=True)
    if status.status != 0:
        yield f"'lifeboat status' ends with {status.status}: {status.output}"
    for wanted in (f"{FIXED_MEBIBYTES} MiB and {LENT_MEBIBYTES} MiB lent", "a panic waits 10 s"):
        if wanted not in status.output:
            yield f"'lifeboat status' does not say '{wanted}': {status.output}"


def _is_told_to_lack(guest: Guest) -> Iterator[str]:
    """By both: the one who packs should know before the machine is one that counts on it."""
    packed = guest.check("lifeboat pack", INSTALL_SECONDS)
    loaded = guest.run("lifeboat load", INSTALL_SECONDS)
    tell_seconds("load", loaded.seconds, loaded.cpu_seconds)
    status = guest.run("lifeboat status")
    print(packed, status.output, flush=True)
    told = f"is in no dump, though level {LEVEL_WITH_USER_MEMORY}"
    if told not in packed:
        yield f"'lifeboat pack' does not say that it {told}: {packed}"
    if status.status != EXIT_DEGRADED or told not in status.output:
        yield f"'lifeboat status' ends with {status.status} and says: {status.output}"
