# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's base system without a kernel, as an archive in the cache. Needs root."""

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

from debian_packages import apt, install
from harness import cache, packages
from harness.packages import OWN, Archive

# What each guest has; the rest comes as dependencies. grub-efi's modules are for a disk that UEFI boots too.
PACKAGES = [
    *("systemd", "systemd-sysv", "udev", "kmod", "login", "passwd", "procps"),
    *("zstd", "e2fsprogs", "grub-pc", "grub-efi-amd64-bin"),
]
INITRAMFS_TOOLS = "initramfs-tools"
DRACUT = "dracut"
ARCHIVE = "base.tar"
# Within the system while it is made.
PREFERENCES = "etc/apt/preferences.d/lacking"


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
    command = ["mmdebstrap", "--mode=root", "--variant=apt", "--dpkgopt=force-unsafe-io"]
    command += ['--aptopt=APT::Install-Recommends "false"', f"--include={','.join(base.packages)}"]
    with tempfile.NamedTemporaryFile("w", suffix=".list") as sources:
        sources.write("".join(f"{row}\n" for row in base.source.entries()))
        sources.flush()

        def attempt(preferences: Path) -> None:
            hooks = [f"--setup-hook=cp {preferences} \"$1/{PREFERENCES}\"", f"--customize-hook=rm \"$1/{PREFERENCES}\""]
            apt.run_patiently([*command, *hooks, base.source.release, folder / ARCHIVE, sources.name])

        install.avoiding(attempt, base.source.refresh)
