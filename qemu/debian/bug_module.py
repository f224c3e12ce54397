# SPDX-License-Identifier: GPL-2.0-or-later
"""A kernel module that runs into a BUG() when it is loaded. Debian's kernels have none that does (lkdtm)."""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from harness import cache, kernels

from . import base

SOURCE = Path(__file__).parent / "bug"
MODULE = "lifeboat_bug.ko"
COMPILERS = "usr/bin/x86_64-linux-gnu-gcc-[0-9]*"


def fetch(line: str) -> Path:
    """The module for the kernel of a line, built with the compiler that Debian builds the kernel with."""
    return made_for(kernels.choice(line))


def made_for(kernel: kernels.Choice) -> Path:
    headers = f"linux-headers-{kernel.release}"
    content = "".join(path.read_text() for path in sorted(SOURCE.iterdir()))
    digest = hashlib.sha256(content.encode()).hexdigest()[:8]
    key = f"{headers}_{kernel.version}-{digest}"
    return cache.entry("bug-module", key, lambda folder: _make(headers, kernel, folder)) / MODULE


def _make(headers: str, kernel: kernels.Choice, folder: Path) -> None:
    """In a tree of the kernel's own release: that is where the compiler is, and the libraries of the kernel's tools."""
    with tempfile.TemporaryDirectory(prefix=".build-", dir=folder) as scratch:
        tree = Path(scratch) / "root"
        base.unpack(kernel.archive, [f"{headers}={kernel.version}", "make"], tree)
        shutil.copytree(SOURCE, tree / "module")
        compiler = next(tree.glob(COMPILERS)).name
        command = ["make", "-C", f"/usr/src/{headers}", "M=/module", f"CC={compiler}", "CONFIG_DEBUG_INFO_BTF_MODULES="]
        subprocess.run(["chroot", tree, *command, "modules"], check=True, stdout=subprocess.DEVNULL)
        shutil.copy(tree / "module" / MODULE, folder)
