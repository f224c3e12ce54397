# SPDX-License-Identifier: GPL-2.0-or-later
"""A kernel that comes to a system which has another one, as a package."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from harness import kernels, packages

from . import disk_image, system_image
from .captures import INSTALL_SECONDS, Tried
from .guest import PARCELS, Answer, Guest


@dataclass(frozen=True)
class NextKernel:
    """Its initrd is made already: in an emulated guest that would take minutes."""

    release: str
    packages: tuple[str, ...]
    initrd: str

    def install(self, guest: Guest) -> Answer:
        guest.check(f"cp {PARCELS}/{self.initrd} /boot")
        names = " ".join(f"{PARCELS}/{name}" for name in self.packages)
        # One by one: some have to be configured before others are unpacked.
        each = f'for name in {names}; do INITRD=No dpkg -i "$name" || exit; done'
        answer = guest.run(f"( {each} )", INSTALL_SECONDS)
        print(answer.output, flush=True)
        return answer


def guest_with_next(tried: Tried, old_line: str, new_line: str) -> tuple[Guest, NextKernel]:
    """A system with the kernel of one line, that of another among its parcels, and the package under test."""
    tried.folder.mkdir(parents=True, exist_ok=True)
    release = kernels.release(new_line)
    with tempfile.TemporaryDirectory(prefix=".parcels-", dir=tried.folder) as scratch:
        initrd = Path(scratch) / f"initrd.img-{release}"
        disk_image.copy_file(system_image.fetch(new_line).disk, f"/boot/{initrd.name}", initrd)
        files = kernels.download(new_line, Path(scratch))
        guest = Guest(system_image.fetch(old_line), tried.folder, [tried.package, initrd, *files])
    return guest, NextKernel(release, tuple(file.name for file in files), initrd.name)
