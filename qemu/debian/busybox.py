# SPDX-License-Identifier: GPL-2.0-or-later
"""The leanest stack that Debian's packages make, in the same guest: busybox for init, makedumpfile with
its libraries, the modules that the root file system needs, loaded by kexec-tools."""

import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from . import system_image
from .captures import SYSRQ, Flow, Tried, panic_as_named_task, tell, tell_seconds
from .guest import PARCELS, Guest
from .smallest import Stack, search

PACKAGES = ("busybox-static", "kexec-tools", "makedumpfile", "cpio", "xz-utils")
BUILD_SECONDS = 600
RESERVED_MEBIBYTES = 128  # as the others have it
SOURCES = Path(__file__).parent / "busybox_files"
NEWER_MAKEDUMPFILE = Path(__file__).parents[2] / "tests/bench/makedumpfile-zstd"
STACK = Stack("kexec -p -u; true", f"{PARCELS}/load")
# Debian 12's own makedumpfile knows no kernel from 6.10 on.
LINES_BEYOND_DEBIAN = ("6.12",)


def busybox(line: str, smallest: int, largest: int) -> Flow:
    """Tells the initrd's sizes, what building it and a capture take, and the smallest reservation that captures."""

    def flow(tried: Tried) -> Iterator[str]:
        with tempfile.TemporaryDirectory(prefix=".parcels-", dir=tried.folder) as scratch:
            parcels = sorted(SOURCES.iterdir())
            if line in LINES_BEYOND_DEBIAN:
                parcels.append(_newer_makedumpfile(Path(scratch)))
            guest = Guest(system_image.fetch(line, PACKAGES), tried.folder, parcels)
        with guest:
            guest.log_in()
            guest.unpack_parcels()
            _reserve(guest, RESERVED_MEBIBYTES)
            built = guest.run(f"{PARCELS}/build", BUILD_SECONDS)
            print(built.output, flush=True)
            if built.status != 0:
                yield f"the initrd cannot be built: {built.output}"
                return
            tell_seconds("build", built.seconds, built.cpu_seconds)
            tell("initrd_bytes", guest.check("stat -c %s /root/initrd").strip())
            tell("initrd_unpacked_bytes", guest.check("zstd -dc /root/initrd | wc -c").strip())
            guest.reboot()
            print(guest.check(STACK.load), flush=True)
            crash = panic_as_named_task(guest, SYSRQ)
            tell_seconds("panic_to_restart", crash.restart, crash.cpu_seconds)
            guest.log_in()
            print(guest.check("ls -l /var/crash/*"), flush=True)
            yield from search(guest, STACK, smallest, largest)

    return flow


def _newer_makedumpfile(folder: Path) -> Path:
    """What the engine is compared with too, and its libraries."""
    program = subprocess.run([NEWER_MAKEDUMPFILE], check=True, capture_output=True, text=True).stdout.strip()
    parcel = folder / "makedumpfile.tar"
    root = Path(program).parent / "usr"
    with tarfile.open(parcel, "w") as archive:
        archive.add(root / "bin/makedumpfile", "makedumpfile")
        for library in sorted((root / "lib/x86_64-linux-gnu").glob("*.so*")):
            archive.add(library, f"lib/{library.name}")
    return parcel


def _reserve(guest: Guest, mebibytes: int) -> None:
    row = f'GRUB_CMDLINE_LINUX_DEFAULT=\\"\\$GRUB_CMDLINE_LINUX_DEFAULT crashkernel={mebibytes}M\\"'
    guest.check(f'mkdir -p /etc/default/grub.d && echo "{row}" > /etc/default/grub.d/crashkernel.cfg')
    # Its own service would start the next kernel without the machine's reset.
    guest.check("sed -i 's/^LOAD_KEXEC=.*/LOAD_KEXEC=false/' /etc/default/kexec && update-grub", 120)
