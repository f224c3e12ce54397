# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's base system without a kernel, as an archive in the cache. Needs root."""

import hashlib
import tempfile
from pathlib import Path

from debian_packages import apt, install
from harness import cache, packages

SUITE = packages.OWN.release
# What each guest has; the rest comes as dependencies. grub-efi's modules are for a disk that UEFI boots too.
PACKAGES = [
    *("systemd", "systemd-sysv", "udev", "kmod", "login", "passwd", "procps"),
    *("initramfs-tools", "zstd", "e2fsprogs", "grub-pc", "grub-efi-amd64-bin"),
]
ARCHIVE = "base.tar"
# Within the system while it is made.
PREFERENCES = "etc/apt/preferences.d/lacking"


def archive(more: tuple[str, ...] = ()) -> Path:
    """The system with these versions of the packages, and of more; made in about a minute when it is new."""
    family = "-".join([SUITE, *more])
    return cache.entry("debian-base", key(more), lambda folder: _make([*PACKAGES, *more], folder), family) / ARCHIVE


def key(more: tuple[str, ...] = ()) -> str:
    """Changes with the recipe and with the newest versions of the packages named in it."""
    recipe = [Path(__file__).read_text(), *packages.keys([*PACKAGES, *more])]
    return hashlib.sha256("\n".join(recipe).encode()).hexdigest()[:16]


def _make(names: list[str], folder: Path) -> None:
    # dpkg's syncs are of no use in a folder that is thrown away when the machine goes down.
    options = ["--mode=root", "--variant=apt", "--dpkgopt=force-unsafe-io"]
    options += ["--aptopt=APT::Install-Recommends \"false\"", f"--include={','.join(names)}"]
    with tempfile.NamedTemporaryFile("w", suffix=".list") as sources:
        sources.write("".join(f"{row}\n" for row in packages.OWN.entries()))
        sources.flush()

        def attempt(preferences: Path) -> None:
            hooks = [f"--setup-hook=cp {preferences} \"$1/{PREFERENCES}\"", f"--customize-hook=rm \"$1/{PREFERENCES}\""]
            apt.run_patiently(["mmdebstrap", *options, *hooks, SUITE, folder / ARCHIVE, sources.name])

        install.avoiding(attempt, packages.OWN.refresh)
