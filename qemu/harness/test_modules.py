# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel modules of the tests, which do harm when they are loaded. Debian's kernels have none that does (lkdtm)."""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import cache, kernels, packages

# A folder for each, with its Kbuild; the module's file is lifeboat_NAME.ko.
SOURCES = Path(__file__).parents[1] / "test_modules"


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
    """With the machine's own compiler, which is that of its own release's kernels."""
    with tempfile.TemporaryDirectory(prefix=".build-", dir=folder) as scratch:
        work = Path(scratch)
        for package in (headers, *packages.dependencies(headers, kernel.archive)):
            if package.startswith(("linux-headers-", "linux-kbuild-")):
                packages.unpack(package, work, kernel.archive)
        _move_to(work, headers)
        shutil.copytree(source, work / "module")
        # The compiler's own version may have moved on since the kernel was built.
        command = ["make", "-C", work / "usr/src" / headers, f"M={work / 'module'}"]
        command += ["CC=gcc-12", "CONFIG_DEBUG_INFO_BTF_MODULES=", "modules"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        for module in (work / "module").glob("*.ko"):
            shutil.copy(module, folder)


def _move_to(work: Path, headers: str) -> None:
    """The package's one absolute path."""
    makefile = work / "usr/src" / headers / "Makefile"
    makefile.write_text(makefile.read_text().replace(" /usr/src/", f" {work}/usr/src/"))
