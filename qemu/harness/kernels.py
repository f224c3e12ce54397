# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's kernels, unpacked from their packages without installing them."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import cache

# The meta packages; each depends on the newest kernel of its line.
META_PACKAGES = {
    "6.1": "linux-image-cloud-amd64",
    "6.12": "linux-image-6.12-cloud-amd64",
}


class KernelError(Exception):
    """A kernel could not be had."""


@dataclass(frozen=True)
class Kernel:
    """One unpacked kernel: `image` boots, `modules` is its lib/modules/<release>."""

    line: str
    release: str
    image: Path
    modules: Path


def fetch(line: str) -> Kernel:
    """The newest kernel of a line ("6.1"), with depmod's files made."""
    package = _package(line)
    release = package.removeprefix("linux-image-")
    place = cache.entry("kernels", _key(package), lambda folder: _unpack(package, release, folder))
    modules = place / "lib/modules" / release
    return Kernel(line, release, place / "boot" / f"vmlinuz-{release}", modules)


def fetch_vmlinux(line: str) -> Path:
    """The debug vmlinux of the same kernel."""
    package = f"{_package(line)}-dbg"
    release = _package(line).removeprefix("linux-image-")
    inside = f"usr/lib/debug/boot/vmlinux-{release}"
    place = cache.entry("vmlinux", _key(package), lambda folder: _unpack_one(package, inside, folder))
    return place / inside


def _package(line: str) -> str:
    answer = _output("apt-cache", "depends", "--important", META_PACKAGES[line])
    for row in answer.splitlines():
        kind, _, name = row.strip().partition(": ")
        if kind == "Depends" and name.startswith("linux-image-"):
            return name
    raise KernelError(f"'{META_PACKAGES[line]}' depends on no kernel; is apt's list up to date?")


def _key(package: str) -> str:
    answer = _output("apt-cache", "show", "--no-all-versions", package)
    for row in answer.splitlines():
        if row.startswith("Version: "):
            return f"{package}_{row.removeprefix('Version: ')}"
    raise KernelError(f"apt knows no version of '{package}'")


def _unpack(package: str, release: str, folder: Path) -> None:
    archive = _download(package, folder)
    subprocess.run(["dpkg-deb", "-x", archive, folder], check=True)
    archive.unlink()
    # The packages carry no modules.dep; the maintainer script makes it.
    subprocess.run(["depmod", "-b", folder, release], check=True)


def _unpack_one(package: str, inside: str, folder: Path) -> None:
    """Takes one file out of a package whose other files are ten times as large."""
    archive = _download(package, folder)
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", archive], stdout=subprocess.PIPE) as tar:
        unpack = ["tar", "-x", "-C", folder, "--occurrence=1", f"./{inside}"]
        subprocess.run(unpack, stdin=tar.stdout, check=True)
        tar.stdout.close()
    archive.unlink()


def _download(package: str, folder: Path) -> Path:
    """The package's file; apt's sandbox user cannot write here, so root downloads."""
    options = ["-o", "APT::Sandbox::User=root", "-qq"]
    subprocess.run(["apt-get", *options, "download", package], cwd=folder, check=True)
    archives = list(folder.glob("*.deb"))
    if len(archives) != 1:
        raise KernelError(f"apt downloaded {len(archives)} files for '{package}'")
    return archives[0]


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
