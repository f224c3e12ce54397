# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's base system without a kernel, as an archive in the cache. Needs root."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from harness import cache, debian_tree, packages
from harness.packages import OWN, Archive

# What each guest has; the rest comes as dependencies. grub-efi's modules are for a disk that UEFI boots too.
PACKAGES = [
    *("systemd", "systemd-sysv", "udev", "kmod", "login", "passwd", "procps"),
    *("zstd", "e2fsprogs", "grub-pc", "grub-efi-amd64-bin"),
]
INITRAMFS_TOOLS = "initramfs-tools"
DRACUT = "dracut"
ARCHIVE = "base.tar"


@dataclass(frozen=True)
class Base:
    """A release of Debian with what makes the system's own initrds, and packages of one's own."""

    source: Archive = OWN  # without backports
    initrd_maker: str = INITRAMFS_TOOLS
    more: tuple[str, ...] = ()

    @property
    def packages(self) -> list[str]:
        return [*PACKAGES, self.initrd_maker, *self.more]

    @property
    def family(self) -> str:
        return "-".join([self.source.release, self.initrd_maker, *self.more])


def archive(base: Base) -> Path:
    """The system with these versions of the packages; made in about a minute when it is new."""
    return cache.entry("debian-base", key(base), lambda folder: _make(base, folder), base.family) / ARCHIVE


def key(base: Base) -> str:
    """Changes with the recipe and with the newest versions of the packages named in it."""
    recipe = [Path(__file__).read_text(), base.source.release, *packages.keys(base.packages, base.source)]
    return hashlib.sha256("\n".join(recipe).encode()).hexdigest()[:16]


def _make(base: Base, folder: Path) -> None:
    # dpkg's syncs are of no use in a folder that is thrown away when the machine goes down.
    debian_tree.bootstrap(base.source, base.packages, folder / ARCHIVE, "--variant=apt", "--dpkgopt=force-unsafe-io")
