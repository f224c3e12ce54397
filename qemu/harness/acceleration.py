# SPDX-License-Identifier: GPL-2.0-or-later
"""KVM where a kernel really boots with it; else emulation."""

import functools
import os
import shlex
import subprocess
from pathlib import Path

from . import cache, kernels

# Another can be named, with words of its own: LIFEBOAT_QEMU="qemu/newer-qemu trixie".
QEMU = shlex.split(os.environ.get("LIFEBOAT_QEMU", "qemu-system-x86_64"))
KVM = "kvm"
EMULATION = "tcg,thread=multi"
# With KVM this takes a second or two.
TRIAL_SECONDS = 20
# A kernel that gets here has unpacked itself and run in its own address space.
WANTED_LINE = b"Linux version "


@functools.cache
def acceleration() -> str:
    """What to give to QEMU's -accel; LIFEBOAT_QEMU_ACCEL where that is set.

    Neither a device node nor a machine that starts tells whether KVM works: within a virtual machine it may be there and fail at
    the first instruction that it has to emulate. What one trial has told holds until this machine boots again.
    """
    if chosen := os.environ.get("LIFEBOAT_QEMU_ACCEL"):
        return chosen
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return EMULATION
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    place = cache.entry("acceleration", boot, _note)
    return (place / "accel").read_text()


def is_emulated() -> bool:
    return acceleration().startswith("tcg")


def _note(folder: Path) -> None:
    works = boots_with_kvm(kernels.fetch("6.1").image)
    (folder / "accel").write_text(KVM if works else EMULATION)


def boots_with_kvm(kernel: Path) -> bool:
    command = [*QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-machine", "q35", "-m", "512M"]
    command += ["-accel", KVM, "-cpu", "max", "-serial", "stdio", "-kernel", str(kernel)]
    command += ["-append", "console=ttyS0 panic=-1"]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=TRIAL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as expired:
        return WANTED_LINE in (expired.stdout or b"")
    return WANTED_LINE in done.stdout
