# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's base system without a kernel, as an archive in the cache. Needs root."""

import hashlib
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from harness import cache, packages
from harness.packages import OWN, Archive

# The release of Debian that the machine has itself.
OWN_SUITE = "bookworm"
# What each guest has; the rest comes as dependencies. grub-efi's modules are for a disk that UEFI boots too.
PACKAGES = [
    *("systemd", "systemd-sysv", "udev", "kmod", "login", "passwd", "procps"),
    *("zstd", "e2fsprogs", "grub-pc", "grub-efi-amd64-bin"),
]
INITRAMFS_TOOLS = "initramfs-tools"
DRACUT = "dracut"
ARCHIVE = "base.tar"
SEPARATOR = "|"


@dataclass(frozen=True)
class Base:
    """A release of Debian with what makes the system's own initrds, and packages of one's own."""

    source: Archive = OWN  # without backports
    initrd_maker: str = INITRAMFS_TOOLS
    more: tuple[str, ...] = ()

    @property
    def packages(self) -> list[str]:
        return [*PACKAGES, self.initrd_maker, *self.more]


def archive(base: Base) -> Path:
    """The system with these versions of the packages; made in about a minute when it is new."""
    return cache.entry("debian-base", key(base), lambda folder: _make(base, folder)) / ARCHIVE


def key(base: Base) -> str:
    """Changes with the recipe and with the newest versions of the packages named in it."""
    recipe = [Path(__file__).read_text(), _suite(base.source), *packages.keys(base.packages, base.source)]
    return hashlib.sha256("\n".join(recipe).encode()).hexdigest()[:16]


def _make(base: Base, folder: Path) -> None:
    # dpkg's syncs are of no use in a folder that is thrown away when the machine goes down.
    _bootstrap(base.source, base.packages, folder / ARCHIVE, "--variant=apt", "--dpkgopt=force-unsafe-io")


def _bootstrap(source: Archive, names: list[str], target: Path, *options: str) -> None:
    command = ["mmdebstrap", "--mode=root", *options, '--aptopt=APT::Install-Recommends "false"']
    command.append(f"--include={','.join(names)}")
    with tempfile.NamedTemporaryFile("w", suffix=".list") as sources:
        sources.write("".join(f"{row}\n" for row in _sources(source)))
        sources.flush()
        subprocess.run([*command, _suite(source), target, sources.name], check=True)


def _suite(source: Archive) -> str:
    return source.release or OWN_SUITE


def _sources(source: Archive) -> list[str]:
    return source.entries() if source.release else _own_entries()


def _own_entries() -> list[str]:
    """The machine's own entries for its release of Debian, and none of the others that it may have."""
    fields = ["$(REPO_URI)", "$(RELEASE)", "$(COMPONENT)", "$(ORIGIN)", "$(CODENAME)"]
    command = ["apt-get", "indextargets", "--format", SEPARATOR.join(fields), "Created-By: Packages"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rows = {tuple(row.split(SEPARATOR)) for row in answer.splitlines()}
    wanted = (OWN_SUITE, f"{OWN_SUITE}-updates", f"{OWN_SUITE}-security")
    return sorted(
        f"deb {uri} {release} {component}"
        for uri, release, component, origin, codename in rows
        if origin == "Debian" and codename in wanted
    )
