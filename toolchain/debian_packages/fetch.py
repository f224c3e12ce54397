# SPDX-License-Identifier: GPL-2.0-or-later
"""Brings the files of packages and sources into the cache, in a version that can be had."""

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from . import apt, versions
from .archive import Archive
from .cache_folder import locked, root
from .notes import say

Found = TypeVar("Found")
# Files that nobody has come back for.
FORGOTTEN_SECONDS = 30 * 24 * 3600


def first_available(
    name: str, archive: Archive, candidates: Callable[[], list[str]], attempt: Callable[[str], Found]
) -> Found:
    """What `attempt` makes of the first of the candidates, names or versions, that can be had. A line says what cannot.

    Where the archive lacks one, its lists may be of yesterday: they are renewed before an older one is taken.
    """
    refused: dict[str, str] = {}
    while left := [candidate for candidate in candidates() if candidate not in refused]:
        try:
            return attempt(left[0])
        except apt.Unavailable as error:
            refused[left[0]] = reason(error)
            if error.is_lasting:
                archive.refresh()
            rest = [candidate for candidate in candidates() if candidate not in refused]
            if not rest:
                raise apt.Unavailable(f"{name}: {_list(refused)}; there is no other version", error.failures) from error
            say(f"{name} {left[0]} cannot be had from the archive ({refused[left[0]]}), taking {rest[0]}")
    raise apt.PackageError(f"apt knows no version of '{name}' in {archive.release}")


def reason(error: apt.Unavailable) -> str:
    """In apt's words, without the address."""
    return error.worst()[0].reason if error.failures else str(error)


def package_file(package: str, version: str, archive: Archive) -> Path:
    """The package's file; it stays in the cache for the next who asks, until nobody has for a month."""
    path = _files() / _file_name(package, version, archive)
    with locked(path.with_name(f".lock-{path.name}")):
        _drop_forgotten()
        # What has this name has passed apt's check.
        if not path.exists():
            partial = path.with_name(f".partial-{path.name}")
            partial.mkdir(exist_ok=True)
            try:
                apt.run_patiently(archive.apt_get("download", f"{package}={version}"), partial)
                next(partial.glob("*.deb")).rename(path)
            finally:
                _drop_empty(partial)
        path.touch()
    return path


def kept_versions(package: str, archive: Archive) -> list[str]:
    """Those whose file is in the cache, newest first and without their epochs."""
    before, after = _file_name(package, "*", archive).split("*")
    names = (path.name for path in _files().glob(f"{before}*{after}"))
    return versions.newest_first([name.removeprefix(before).removesuffix(after) for name in names])


def source_folder(package: str, version: str, archive: Archive) -> Path:
    """A folder with the files of a source package; whoever has unpacked them removes it.

    What has come stays when the rest does not: apt looks at its hash the next time.
    """
    folder = _files() / f"{package}_{versions.without_epoch(version)}.source"
    with locked(folder.with_name(f".lock-{folder.name}")):
        folder.mkdir(exist_ok=True)
        try:
            apt.run_patiently(archive.apt_get("--download-only", "source", f"{package}={version}"), folder)
        except apt.PackageError:
            _drop_empty(folder)
            raise
    return folder


def unpack(path: Path, folder: Path) -> None:
    subprocess.run(["dpkg-deb", "-x", path, folder], check=True)


def _file_name(package: str, version: str, archive: Archive) -> str:
    """By the archive's architecture, also where the package is for all."""
    return f"{package}_{versions.without_epoch(version)}_{archive.architecture}.deb"


def _files() -> Path:
    return root() / "files"


def _drop_empty(folder: Path) -> None:
    if not any(folder.iterdir()):
        folder.rmdir()


def _drop_forgotten() -> None:
    folder = _files()
    for path in [*folder.glob("*.deb"), *folder.glob(".partial-*"), *folder.glob("*.source")]:
        if time.time() - path.stat().st_mtime > FORGOTTEN_SECONDS:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _list(refused: dict[str, str]) -> str:
    return ", ".join(f"{version} cannot be had ({why})" for version, why in refused.items())
