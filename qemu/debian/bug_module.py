# SPDX-License-Identifier: GPL-2.0-or-later
"""A kernel module that runs into a BUG() when it is loaded. Debian's kernels have none that does (lkdtm)."""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from harness import cache, kernels, packages

SOURCE = Path(__file__).parent / "bug"
MODULE = "lifeboat_bug.ko"


def fetch(line: str) -> Path:
    """The module for the newest kernel of a line, built with the compiler that Debian builds the kernel with."""
    headers = f"linux-headers-{kernels.release(line)}"
    archive = kernels.LINES[line].archive
    content = "".join(path.read_text() for path in sorted(SOURCE.iterdir()))
    digest = hashlib.sha256(content.encode()).hexdigest()[:8]
    key = f"{packages.key(headers, archive)}-{digest}"
    return cache.entry("bug-module", key, lambda folder: _make(headers, archive, folder)) / MODULE


def _make(headers: str, archive: packages.Archive, folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=".build-", dir=folder) as scratch:
        work = Path(scratch)
        for package in (headers, *packages.dependencies(headers, archive)):
            if package.startswith(("linux-headers-", "linux-kbuild-")):
                packages.unpack(package, work, archive)
        _move_to(work, headers)
        shutil.copytree(SOURCE, work / "module")
        # The compiler's own version may have moved on since the kernel was built.
        command = ["make", "-C", work / "usr/src" / headers, f"M={work / 'module'}"]
        command += ["CC=gcc-12", "CONFIG_DEBUG_INFO_BTF_MODULES=", "modules"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        shutil.copy(work / "module" / MODULE, folder)


def _move_to(work: Path, headers: str) -> None:
    """The package's one absolute path."""
    makefile = work / "usr/src" / headers / "Makefile"
    makefile.write_text(makefile.read_text().replace(" /usr/src/", f" {work}/usr/src/"))
