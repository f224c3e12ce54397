# SPDX-License-Identifier: GPL-2.0-or-later
"""The clock of an emulated machine, which goes wrong on a busy host, and kernels that stand still over it.

A kernel finds out its TSC's frequency by counting it against another timer for some milliseconds. Where the host has
QEMU's threads wait meanwhile it may come to any result: 65 MHz were seen in place of 2,000, so that the kernel's time
passed 30 times too fast and every deadline was over before anything was done. Given 20,000 MHz, it ran ten times too
slowly for four seconds, until the kernel's own comparison with the HPET threw the TSC out. An emulated TSC is the
host's, so its frequency is known and can be given.

Kernels from 7.1 on compare the TSCs of two CPUs twice a second. The CPU that asks waits with its interrupts off for the
other's answer; how long, it reads off the clock, which before the TSC is in use counts the CPU's own interrupts: it
waits for ever where the other does not answer, as one that waits in stop_machine() for this one to join. Both then stand
still (watchdog_check_skew and multi_cpu_stop, 7.3.4). Without that comparison they cannot.
Source: Linux arch/x86/kernel/tsc.c, kernel/time/clocksource.c,
Documentation/admin-guide/kernel-parameters.txt (tsc_early_khz=, since 5.9; tsc=nowatchdog).
"""

import re
from pathlib import Path

# On a busy host an emulated timer may tick too late for the kernel's test of it, which then panics at once.
NO_TIMER_TEST = "no_timer_check"
# What the kernel itself allows between what it counts first and what it finds out later, and some.
TOLERANCE = 0.1
DETECTED = re.compile(r"tsc: Detected ([\d.]+) MHz processor")


def tsc_khz(cpuinfo: str) -> int | None:
    """Of this host, from /proc/cpuinfo: the delay loop counts the TSC, twice in a "bogomips". None: not an x86."""
    found = re.search(r"^bogomips\s*:\s*([\d.]+)", cpuinfo, re.MULTILINE)
    return round(float(found[1]) * 500) if found else None


def host_tsc_khz() -> int | None:
    return tsc_khz(Path("/proc/cpuinfo").read_text())


def words(is_emulated: bool) -> list[str]:
    """For the command line of a kernel in QEMU."""
    khz = host_tsc_khz() if is_emulated else None
    return [NO_TIMER_TEST, *([f"tsc_early_khz={khz}", "tsc=nowatchdog"] if khz else [])]


def what_is_wrong(line: str, khz: int | None) -> str | None:
    """Where a kernel's line says that its clock goes wrong: what."""
    found = DETECTED.search(line)
    if not found or not khz:
        return None
    factor = khz / (float(found[1]) * 1000)
    if 1 - TOLERANCE < factor < 1 + TOLERANCE:
        return None
    return f"a kernel took its TSC of {khz / 1000:.0f} MHz for {found[1]} MHz: its seconds last {1 / factor:.2f} s"
