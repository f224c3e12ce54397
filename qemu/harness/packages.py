# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's packages, fetched by apt and unpacked without installing them."""

import subprocess
from pathlib import Path

from . import cache


class PackageError(Exception):
    """A package could not be had."""


def key(package: str) -> str:
    """Names the package and its newest version."""
    return keys([package])[0]


def keys(names: list[str]) -> list[str]:
    """The same for several, in the order of their names given."""
    rows = _output("apt-cache", "show", "--no-all-versions", *names).splitlines()
    fields = dict.fromkeys(names)
    name = ""
    for row in rows:
        field, _, value = row.partition(": ")
        if field == "Package":
            name = value
        elif field == "Version":
            fields[name] = value
    if missing := [name for name, version in fields.items() if version is None]:
        raise PackageError(f"apt knows no version of '{missing[0]}'")
    return [f"{name}_{version}" for name, version in fields.items()]


def dependencies(package: str) -> list[str]:
    """What it depends on directly, in the package's order."""
    rows = _output("apt-cache", "depends", "--important", package).splitlines()
    fields = (row.strip().partition(": ") for row in rows)
    return [name for kind, _, name in fields if kind == "Depends" and not name.startswith("<")]


def download(package: str, folder: Path) -> Path:
    """The package's file. The folder may be closed to apt's sandbox user, so root downloads."""
    options = ["-o", "APT::Sandbox::User=root", "-qq"]
    subprocess.run(["apt-get", *options, "download", package], cwd=folder, check=True)
    archives = list(folder.glob("*.deb"))
    if len(archives) != 1:
        raise PackageError(f"apt downloaded {len(archives)} files for '{package}'")
    return archives[0]


def unpack(package: str, folder: Path) -> None:
    archive = download(package, folder)
    subprocess.run(["dpkg-deb", "-x", archive, folder], check=True)
    archive.unlink()


def with_libraries(package: str) -> Path:
    """A folder with the package and, recursively, the libraries it depends on: its programs run in there."""

    def make(folder: Path) -> None:
        for name in _closure(package):
            unpack(name, folder)

    return cache.entry("packages", key(package), make)


def _closure(package: str) -> list[str]:
    names = [package]
    for name in names:
        names += [need for need in dependencies(name) if need.startswith("lib") and need not in names]
    return names


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
