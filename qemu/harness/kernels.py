# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's kernels, unpacked from their packages without installing them."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import cache, packages
from .packages import BACKPORTS, OWN, TRIXIE, Archive


@dataclass(frozen=True)
class Line:
    """A line of kernels: `meta` depends on the newest of it."""

    meta: str
    archive: Archive = OWN


LINES = {
    "6.1": Line("linux-image-cloud-amd64"),
    "6.12": Line("linux-image-6.12-cloud-amd64"),
    # Debian 13's own.
    "6.12-trixie": Line("linux-image-cloud-amd64", TRIXIE),
    "7.3": Line("linux-image-cloud-amd64", BACKPORTS),
    # For any hardware: a larger image, and more that is built in.
    "6.1-generic": Line("linux-image-amd64"),
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
    key = packages.key(name, LINES[line].archive)
    place = cache.entry("kernels", key, lambda folder: _unpack(line, version, folder))
    modules = place / "lib/modules" / version
    return Kernel(line, version, place / "boot" / f"vmlinuz-{version}", modules)


def fetch_vmlinux(line: str) -> Path:
    """The debug vmlinux of the same kernel."""
    name = f"{package(line)}-dbg"
    archive = LINES[line].archive
    version = release(line)
    # One of them is a link to the other, until 7.1 the second.
    inside = [f"usr/lib/debug/boot/vmlinux-{version}", f"usr/lib/debug/lib/modules/{version}/vmlinux"]
    place = cache.entry("vmlinux", packages.key(name, archive), lambda folder: _unpack_some(name, archive, inside, folder))
    return place / inside[0]


def release(line: str) -> str:
    """What `uname -r` says there."""
    return package(line).removeprefix(PREFIX)


def package(line: str) -> str:
    """The package with the newest kernel of a line."""
    meta = LINES[line].meta
    for name in packages.dependencies(meta, LINES[line].archive):
        if name.startswith(PREFIX):
            return name
    raise packages.PackageError(f"'{meta}' depends on no kernel; is apt's list up to date?")


def all_packages(line: str) -> list[str]:
    """The packages that make up the newest kernel of a line, each after those that it needs.

    One, or since 7.2 base, binary, modules and image.
    """
    name = package(line)
    suffix = f"-{release(line)}"
    needs = packages.dependencies(name, LINES[line].archive)
    return [*(need for need in needs if need.endswith(suffix)), name]


def installation(line: str) -> list[str]:
    """all_packages(), after what a kernel from backports needs of its own archive to be installed."""
    archive = LINES[line].archive
    return [*(["linux-base"] if archive != archive.without_backports() else []), *all_packages(line)]


def _unpack(line: str, release: str, folder: Path) -> None:
    for name in all_packages(line):
        packages.unpack(name, folder, LINES[line].archive)
    if not (folder / "lib").exists():
        (folder / "lib").symlink_to("usr/lib")
    # Since 7.2 the image lies beside the modules, and maintainer scripts bring it to /boot.
    image = folder / "boot" / f"vmlinuz-{release}"
    if not image.exists():
        image.parent.mkdir(exist_ok=True)
        image.symlink_to(f"../usr/lib/modules/{release}/vmlinuz")
    # The packages carry no modules.dep; the maintainer script makes it.
    subprocess.run(["depmod", "-b", folder, release], check=True)


def _unpack_some(package: str, archive: Archive, inside: list[str], folder: Path) -> None:
    """Takes these files out of a package whose other files are ten times as large."""
    path = packages.download(package, folder, archive)
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", path], stdout=subprocess.PIPE) as tar:
        subprocess.run(["tar", "-x", "-C", folder, *(f"./{name}" for name in inside)], stdin=tar.stdout, check=True)
    path.unlink()
