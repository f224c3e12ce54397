# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel modules of the tests, which do harm when they are loaded. Debian's kernels have none that does (lkdtm)."""

import hashlib
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import cache, compilers, kernels, packages

# A folder for each, with its Kbuild; the module's file is lifeboat_NAME.ko.
SOURCES = Path(__file__).parents[1] / "test_modules"
# Among what the headers depend on: linux-compiler-gcc-12-x86, gcc-14, gcc-14-for-host.
COMPILER = re.compile(r"\bgcc-\d+")


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
    needs = packages.dependencies(headers, kernel.archive)
    compiler = COMPILER.search(" ".join(needs))[0]
    with tempfile.TemporaryDirectory(prefix=".build-", dir=folder) as scratch:
        work = Path(scratch)
        for package in (headers, *needs):
            if package.startswith(("linux-headers-", "linux-kbuild-")):
                packages.unpack(package, work, kernel.archive)
        shutil.copytree(source, work / "module")
        _build(work, headers, kernel.archive, compiler)
        for module in (work / "module").glob("*.ko"):
            shutil.copy(module, folder)


def _build(work: Path, headers: str, archive: packages.Archive, compiler: str) -> None:
    """With the machine's own compiler for kernels of its own release: that may be of another version than the kernel's was."""
    is_own = archive.release == packages.OWN.release
    place = work if is_own else compilers.WORK
    _move_to(place, work / "usr/src" / headers / "Makefile")
    command = ["make", "-C", str(place / "usr/src" / headers), f"M={place / 'module'}"]
    command += [f"CC={compiler}", "CONFIG_DEBUG_INFO_BTF_MODULES=", "modules"]
    if is_own:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    else:
        compilers.run(archive, compiler, work, command)


def _move_to(place: Path, makefile: Path) -> None:
    """The package's absolute paths."""
    makefile.write_text(re.sub(r"(?<=[ =])/usr/src/", f"{place}/usr/src/", makefile.read_text()))
