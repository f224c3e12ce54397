# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel modules of the tests, which do harm when they are loaded. Debian's kernels have none that does (lkdtm)."""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import cache, debian_tree, kernels

# A folder for each, with its Kbuild; the module's file is lifeboat_NAME.ko.
SOURCES = Path(__file__).parents[1] / "test_modules"
COMPILERS = "usr/bin/x86_64-linux-gnu-gcc-[0-9]*"


def fetch(name: str, line: str) -> Path:
    """The module for the kernel of a line, built with the compiler that Debian builds the kernel with."""
    return made_for(name, kernels.choice(line))


def made_for(name: str, kernel: kernels.Choice) -> Path:
    headers = f"linux-headers-{kernel.release}"
    source = SOURCES / name
    content = "".join(path.read_text() for path in sorted(source.iterdir()))
    digest = hashlib.sha256(content.encode()).hexdigest()[:8]
    key = f"{name}-{headers}_{kernel.version}-{digest}"
    return cache.entry("test-modules", key, lambda folder: _make(source, headers, kernel, folder)) / f"lifeboat_{name}.ko"


def _make(source: Path, headers: str, kernel: kernels.Choice, folder: Path) -> None:
    """In a tree of the kernel's own release: that is where the compiler is, and the libraries of the kernel's tools."""
    with tempfile.TemporaryDirectory(prefix=".build-", dir=folder) as scratch:
        tree = Path(scratch) / "root"
        debian_tree.unpack(kernel.archive, [f"{headers}={kernel.version}", "make"], tree)
        shutil.copytree(source, tree / "module")
        compiler = next(tree.glob(COMPILERS)).name
        command = ["make", "-C", f"/usr/src/{headers}", "M=/module", f"CC={compiler}", "CONFIG_DEBUG_INFO_BTF_MODULES="]
        subprocess.run(["chroot", tree, *command, "modules"], check=True, stdout=subprocess.DEVNULL)
        for module in (tree / "module").glob("*.ko"):
            shutil.copy(module, folder)
