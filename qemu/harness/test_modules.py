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
    """The module for the newest kernel of a line, built with the compiler that Debian builds the kernel with."""
    headers = f"linux-headers-{kernels.release(line)}"
    source = SOURCES / name
    content = "".join(path.read_text() for path in sorted(source.iterdir()))
    digest = hashlib.sha256(content.encode()).hexdigest()[:8]
    key = f"{name}-{packages.key(headers)}-{digest}"
    return cache.entry("test-modules", key, lambda folder: _make(source, headers, folder)) / f"lifeboat_{name}.ko"


def _make(source: Path, headers: str, folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=".build-", dir=folder) as scratch:
        work = Path(scratch)
        for package in (headers, *packages.dependencies(headers)):
            if package.startswith(("linux-headers-", "linux-kbuild-")):
                packages.unpack(package, work)
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
