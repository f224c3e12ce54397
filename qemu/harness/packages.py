# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's packages, unpacked without installing them, in a version that can be had (toolchain/debian_packages)."""

import shutil
from pathlib import Path

from debian_packages import fetch, versions
from debian_packages.apt import PackageError
from debian_packages.archive import Archive

from . import cache

OWN = Archive("bookworm")
TRIXIE = Archive("trixie")
BACKPORTS = Archive("trixie", backports=True)


def key(package: str, archive: Archive = OWN) -> str:
    """Names the package and its newest version."""
    return keys([package], archive)[0]


def keys(names: list[str], archive: Archive = OWN) -> list[str]:
    """The same for several, in the order of their names given."""
    newest = versions.newest(names, archive)
    if missing := [name for name in names if name not in newest]:
        raise PackageError(f"apt knows no version of '{missing[0]}' in {archive.release}")
    return [f"{name}_{newest[name]}" for name in names]


def dependencies(package: str, archive: Archive = OWN) -> list[str]:
    """What its newest version depends on directly, in the package's order."""
    records = versions.records(package, archive)
    if not records:
        raise PackageError(f"apt knows no version of '{package}' in {archive.release}")
    return versions.needs(records[0])


def download(package: str, folder: Path, archive: Archive = OWN, version: str | None = None) -> Path:
    """The package's file in the folder: of this version, or of the newest that can be had."""

    def candidates() -> list[str]:
        return versions.in_order(versions.offered(package, archive), None, fetch.kept_versions(package, archive))

    def bring(version: str) -> Path:
        return fetch.package_file(package, version, archive)

    path = bring(version) if version else fetch.first_available(package, archive, candidates, bring)
    return Path(shutil.copy(path, folder))


def unpack(package: str, folder: Path, archive: Archive = OWN, version: str | None = None) -> None:
    path = download(package, folder, archive, version)
    fetch.unpack(path, folder)
    path.unlink()


def with_libraries(package: str) -> Path:
    """A folder with the package and, recursively, the libraries it depends on: its programs run in there."""

    def make(folder: Path) -> None:
        for name in _closure(package):
            unpack(name, folder)

    return cache.entry("packages", key(package), make, family=package)


def _closure(package: str) -> list[str]:
    names = [package]
    for name in names:
        names += [need for need in dependencies(name) if need.startswith("lib") and need not in names]
    return names
