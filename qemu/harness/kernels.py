# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's kernels, unpacked from their packages without installing them."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import cache, packages

# The meta packages; each depends on the newest kernel of its line.
META_PACKAGES = {
    "6.1": "linux-image-cloud-amd64",
    "6.12": "linux-image-6.12-cloud-amd64",
    # For any hardware: a larger image, and more that is built in.
    "6.1-generic": "linux-image-amd64",
}
PREFIX = "linux-image-"


@dataclass(frozen=True)
class Kernel:
    """One unpacked kernel: `image` boots, `modules` is its lib/modules/<release>."""

    line: str
    release: str
    image: Path
    modules: Path


def fetch(line: str) -> Kernel:
    """The newest kernel of a line ("6.1"), with depmod's files made."""
    name = package(line)
    version = release(line)
    place = cache.entry("kernels", packages.key(name), lambda folder: _unpack(name, version, folder))
    modules = place / "lib/modules" / version
    return Kernel(line, version, place / "boot" / f"vmlinuz-{version}", modules)


def fetch_vmlinux(line: str) -> Path:
    """The debug vmlinux of the same kernel."""
    name = f"{package(line)}-dbg"
    inside = f"usr/lib/debug/boot/vmlinux-{release(line)}"
    place = cache.entry("vmlinux", packages.key(name), lambda folder: _unpack_one(name, inside, folder))
    return place / inside


def release(line: str) -> str:
    """What `uname -r` says there."""
    return package(line).removeprefix(PREFIX)


def package(line: str) -> str:
    """The package with the newest kernel of a line."""
    for name in packages.dependencies(META_PACKAGES[line]):
        if name.startswith(PREFIX):
            return name
    raise packages.PackageError(f"'{META_PACKAGES[line]}' depends on no kernel; is apt's list up to date?")


def _unpack(package: str, release: str, folder: Path) -> None:
    packages.unpack(package, folder)
    # The packages carry no modules.dep; the maintainer script makes it.
    subprocess.run(["depmod", "-b", folder, release], check=True)


def _unpack_one(package: str, inside: str, folder: Path) -> None:
    """Takes one file out of a package whose other files are ten times as large."""
    archive = packages.download(package, folder)
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", archive], stdout=subprocess.PIPE) as tar:
        subprocess.run(["tar", "-x", "-C", folder, f"./{inside}"], stdin=tar.stdout, check=True)
    archive.unlink()
