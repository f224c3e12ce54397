# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's kernels, unpacked from their packages without installing them."""

import functools
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from debian_packages import fetch as debian
from debian_packages import versions
from debian_packages.archive import Archive
from debian_packages.cache_folder import root
from debian_packages.notes import say

from . import cache, packages
from .packages import BACKPORTS, OWN, TRIXIE


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
EXACTLY = re.compile(r"(linux-image-[^ ,]+) \(= ([^)]+)\)")


@dataclass(frozen=True)
class Kernel:
    """One unpacked kernel: `image` boots, `modules` is its lib/modules/<release>."""

    line: str
    release: str
    image: Path
    modules: Path


@dataclass(frozen=True)
class Choice:
    """What stands for a line in this process: the newest kernel that can be had, by its package."""

    line: str
    package: str
    version: str

    @property
    def release(self) -> str:
        return self.package.removeprefix(PREFIX)

    @property
    def archive(self) -> Archive:
        return LINES[self.line].archive

    @property
    def key(self) -> str:
        return f"{self.package}_{self.version}"


_required: dict[str, list[Callable[[Choice], object]]] = {}


def require(line: str, bring: Callable[[Choice], object]) -> None:
    """Only a kernel will do for which `bring` succeeds too; to be said before anything else is asked about the line."""
    _required.setdefault(line, []).append(bring)


def fetch(line: str) -> Kernel:
    """The newest kernel of a line ("6.1") that can be had, with depmod's files made."""
    kernel = choice(line)
    place = cache.entry("kernels", kernel.key, lambda folder: _unpack(kernel, folder))
    modules = place / "lib/modules" / kernel.release
    return Kernel(line, kernel.release, place / "boot" / f"vmlinuz-{kernel.release}", modules)


def fetch_vmlinux(line: str) -> Path:
    """The debug vmlinux of the same kernel."""
    return vmlinux(choice(line))


def vmlinux(kernel: Choice) -> Path:
    # One of them is a link to the other, until 7.1 the second.
    inside = [f"usr/lib/debug/boot/vmlinux-{kernel.release}", f"usr/lib/debug/lib/modules/{kernel.release}/vmlinux"]
    key = f"{kernel.package}-dbg_{kernel.version}"
    return cache.entry("vmlinux", key, lambda folder: _unpack_debug(kernel, inside, folder)) / inside[0]


def release(line: str) -> str:
    """What `uname -r` says there."""
    return choice(line).release


def package(line: str) -> str:
    """The package with the kernel that stands for a line."""
    return choice(line).package


def all_packages(line: str) -> list[str]:
    """The packages that make up the kernel of a line, each after those that it needs.

    One, or since 7.2 base, binary, modules and image.
    """
    return _packages(choice(line))


def download(line: str, folder: Path) -> list[Path]:
    """The files of all_packages(), after what a kernel from backports needs of its own archive to be installed."""
    kernel = choice(line)
    files = [packages.download("linux-base", folder, kernel.archive)] if kernel.archive.backports else []
    return [*files, *(packages.download(name, folder, kernel.archive, kernel.version) for name in _packages(kernel))]


@functools.cache
def choice(line: str) -> Choice:
    """Which kernel stands for a line. Its packages are in the cache then, or it is unpacked there."""
    last = root() / "kernels" / f".line-{line}"
    chosen = debian.first_available(
        f"kernel {line}", LINES[line].archive, lambda: _candidates(line, last), lambda key: _bring(line, key)
    )
    last.parent.mkdir(parents=True, exist_ok=True)
    last.write_text(chosen.key)
    if not chosen.release.startswith(f"{line.partition('-')[0]}."):
        say(f"the line of kernels '{line}' has moved on: Debian has {chosen.release} now")
    return chosen


def _candidates(line: str, last: Path) -> list[str]:
    """Keys of kernels, newest first: those of the newest's own series, and the one that was taken before."""
    records = versions.records(LINES[line].meta, LINES[line].archive)
    series = [record["Version"].split(".")[:2] for record in records]
    found = [EXACTLY.search(record.get("Depends", "")) for record, own in zip(records, series) if own == series[0]]
    keys = ["_".join(kernel.groups()) for kernel in found if kernel]
    return list(dict.fromkeys([*keys, *([last.read_text()] if last.exists() else [])]))


def _bring(line: str, key: str) -> Choice:
    kernel = Choice(line, *key.split("_"))
    if not (root() / "kernels" / key).is_dir():
        for name in _packages(kernel):
            debian.package_file(name, kernel.version, kernel.archive)
    for bring in _required.get(line, []):
        bring(kernel)
    return kernel


def _packages(kernel: Choice) -> list[str]:
    records = versions.records(kernel.package, kernel.archive)
    needs = [need for record in records if record["Version"] == kernel.version for need in versions.needs(record)]
    return [*(need for need in needs if need.endswith(f"-{kernel.release}")), kernel.package]


def _unpack(kernel: Choice, folder: Path) -> None:
    for name in _packages(kernel):
        packages.unpack(name, folder, kernel.archive, kernel.version)
    if not (folder / "lib").exists():
        (folder / "lib").symlink_to("usr/lib")
    # Since 7.2 the image lies beside the modules, and maintainer scripts bring it to /boot.
    image = folder / "boot" / f"vmlinuz-{kernel.release}"
    if not image.exists():
        image.parent.mkdir(exist_ok=True)
        image.symlink_to(f"../usr/lib/modules/{kernel.release}/vmlinuz")
    # The packages carry no modules.dep; the maintainer script makes it.
    subprocess.run(["depmod", "-b", folder, kernel.release], check=True)


def _unpack_debug(kernel: Choice, inside: list[str], folder: Path) -> None:
    """Takes these files out of a package whose other files are ten times as large."""
    path = debian.package_file(f"{kernel.package}-dbg", kernel.version, kernel.archive)
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", path], stdout=subprocess.PIPE) as tar:
        subprocess.run(["tar", "-x", "-C", folder, *(f"./{name}" for name in inside)], stdin=tar.stdout, check=True)
    path.unlink()
