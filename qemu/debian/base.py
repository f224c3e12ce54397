# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's base system without a kernel, as an archive in the cache. Needs root."""

import hashlib
import subprocess
import tempfile
from pathlib import Path

from harness import cache, packages

SUITE = "bookworm"
# What each guest has; the rest comes as dependencies. grub-efi's modules are for a disk that UEFI boots too.
PACKAGES = [
    *("systemd", "systemd-sysv", "udev", "kmod", "login", "passwd", "procps"),
    *("initramfs-tools", "zstd", "e2fsprogs", "grub-pc", "grub-efi-amd64-bin"),
]
ARCHIVE = "base.tar"
SEPARATOR = "|"


def archive(more: tuple[str, ...] = ()) -> Path:
    """The system with these versions of the packages, and of more; made in about a minute when it is new."""
    return cache.entry("debian-base", key(more), lambda folder: _make([*PACKAGES, *more], folder)) / ARCHIVE


def key(more: tuple[str, ...] = ()) -> str:
    """Changes with the recipe and with the newest versions of the packages named in it."""
    recipe = [Path(__file__).read_text(), *packages.keys([*PACKAGES, *more])]
    return hashlib.sha256("\n".join(recipe).encode()).hexdigest()[:16]


def _make(names: list[str], folder: Path) -> None:
    # dpkg's syncs are of no use in a folder that is thrown away when the machine goes down.
    options = ["--mode=root", "--variant=apt", "--dpkgopt=force-unsafe-io"]
    options += ["--aptopt=APT::Install-Recommends \"false\"", f"--include={','.join(names)}"]
    with tempfile.NamedTemporaryFile("w", suffix=".list") as sources:
        sources.write("".join(f"{row}\n" for row in _sources()))
        sources.flush()
        subprocess.run(["mmdebstrap", *options, SUITE, folder / ARCHIVE, sources.name], check=True)


def _sources() -> list[str]:
    """The machine's own entries for this release of Debian, and none of the others that it may have."""
    fields = ["$(REPO_URI)", "$(RELEASE)", "$(COMPONENT)", "$(ORIGIN)", "$(CODENAME)"]
    command = ["apt-get", "indextargets", "--format", SEPARATOR.join(fields), "Created-By: Packages"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rows = {tuple(row.split(SEPARATOR)) for row in answer.splitlines()}
    wanted = (SUITE, f"{SUITE}-updates", f"{SUITE}-security")
    return sorted(
        f"deb {uri} {release} {component}"
        for uri, release, component, origin, codename in rows
        if origin == "Debian" and codename in wanted
    )
