# SPDX-License-Identifier: GPL-2.0-or-later
"""The smallest reservation that captures, found on one machine: what is reserved at boot can be given back in part."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from . import kdump_tools, system_image
from .captures import INSTALL_SECONDS, SYSRQ, Flow, Tried, install, panic_as_named_task, tell
from .guest import Guest
from .serial_line import Unanswered

STEP_MEBIBYTES = 4
SIZE = "/sys/kernel/kexec_crash_size"


@dataclass(frozen=True)
class Stack:
    """How a stack is unloaded and loaded."""

    unload: str
    load: str


LIFEBOAT = Stack("systemctl stop lifeboat.service", "lifeboat load")
KDUMP_TOOLS = Stack("kdump-config unload", "kdump-config load")


def lifeboat(line: str, smallest: int, largest: int) -> Flow:
    def flow(tried: Tried) -> Iterator[str]:
        with Guest(system_image.fetch(line), tried.folder, [tried.package]) as guest:
            install(guest)
            yield from search(guest, LIFEBOAT, smallest, largest)

    return flow


def debian(line: str, smallest: int, largest: int) -> Flow:
    def flow(tried: Tried) -> Iterator[str]:
        with Guest(system_image.fetch(line, kdump_tools.PACKAGES), tried.folder) as guest:
            guest.log_in()
            kdump_tools.reserve(guest, f"{largest}M")
            guest.check(f"{kdump_tools.HOOK} {guest.release}", kdump_tools.BUILD_SECONDS)
            guest.reboot()
            yield from search(guest, KDUMP_TOOLS, smallest, largest)

    return flow


def search(guest: Guest, stack: Stack, smallest: int, largest: int) -> Iterator[str]:
    """By halves, between a size that is too small and one that is known to do."""
    sizes = range(smallest, largest + 1, STEP_MEBIBYTES)
    works = bisect(sizes, lambda mebibytes: _captures(guest, stack, mebibytes))
    if works is None:
        yield f"nothing was captured with {largest}M"
    else:
        tell("smallest_crashkernel_mebibytes", works)


def bisect(sizes: range, works: Callable[[int], bool]) -> int | None:
    """The first of the sizes that works, when with each that does all larger ones do; None when none does."""
    low, high = 0, len(sizes)
    while low < high:
        middle = (low + high) // 2
        if works(sizes[middle]):
            high = middle
        else:
            low = middle + 1
    return sizes[low] if low < len(sizes) else None


def _captures(guest: Guest, stack: Stack, mebibytes: int) -> bool:
    before = _dumps(guest)
    guest.check(stack.unload, INSTALL_SECONDS)
    guest.check(f"echo {mebibytes << 20} > {SIZE} && test $(cat {SIZE}) = {mebibytes << 20}")
    loaded = guest.run(stack.load, INSTALL_SECONDS)
    if loaded.status != 0:
        print(f"{mebibytes}M: cannot be loaded: {loaded.output}", flush=True)
        guest.reboot()
        return False
    try:
        panic_as_named_task(guest, SYSRQ)
    except Unanswered:
        guest.reset()
    guest.log_in()
    worked = _dumps(guest) != before
    print(f"{mebibytes}M: {'captured' if worked else 'nothing captured'}", flush=True)
    return worked


def _dumps(guest: Guest) -> str:
    """Complete ones: ours, and those of kdump-tools."""
    return guest.check("find /var/crash -name vmcore -o -name 'dump.*' ! -name '*incomplete*' | sort")
