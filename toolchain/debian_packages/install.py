# SPDX-License-Identifier: GPL-2.0-or-later
"""Lets apt, or what runs it, choose packages with all they depend on, without those that an archive lacks."""

import shutil
import subprocess
import tempfile
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from . import apt, machine
from .archive import Archive
from .cache_folder import locked, root
from .fetch import reason, unpack
from .notes import say

Found = TypeVar("Found")
# More than that are lacking only where the archive as a whole does not work.
MAX_AVOIDED = 8


@dataclass(frozen=True)
class _Lacking:
    """A package whose file could not be fetched. The version is without its epoch, as file names have it."""

    name: str
    version: str
    source: str

    @classmethod
    def by(cls, uri: str) -> "_Lacking | None":
        """Archives have the files in folders that are named by the source."""
        *_, source, file = urllib.parse.unquote(uri).split("/")
        return cls(*file.split("_")[:2], source) if file.endswith(".deb") else None

    def pin(self) -> str:
        """What comes from the same source depends on exactly this version of it, as often as not."""
        names = (self.name, f"src:{self.source}")
        versions = (self.version, f"*:{self.version}")
        stanza = "Package: {}\nPin: version {}\nPin-Priority: -1\n\n"
        return "".join(stanza.format(name, version) for name in names for version in versions)


def avoiding(attempt: Callable[[Path], Found], renew: Callable[[], object] = lambda: None) -> Found:
    """What `attempt` returns, which is given a file of apt's preferences.

    These pin away the versions whose files could not be fetched. The first time `renew` sees to newer lists.
    """
    pins: dict[_Lacking, str] = {}
    with tempfile.NamedTemporaryFile("w", suffix=".pref") as preferences:
        while True:
            try:
                return attempt(Path(preferences.name))
            except apt.Unavailable as error:
                lacking = {_Lacking.by(failure.uri): failure.reason for failure in error.worst()}
                new = {package: why for package, why in lacking.items() if package and package not in pins}
                if not new or len(pins) + len(new) > MAX_AVOIDED:
                    raise
                if not pins:
                    renew()
                pins |= new
                for package, why in new.items():
                    say(f"{package.name} {package.version} cannot be had from the archive ({why}), taking another")
                    preferences.write(package.pin())
                preferences.flush()


def missing(packages: list[str]) -> list[str]:
    """Those that are not installed on the machine."""
    command = ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *packages]
    rows = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    installed = {row.split()[0] for row in rows if row.endswith(" installed")}
    return [name for name in packages if name not in installed]


def install(packages: list[str]) -> None:
    """Installs what is missing of them on the machine. Where nothing is, apt is not asked at all."""
    wanted = missing(packages)
    if not wanted:
        return
    command = [*machine.SUDO, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", *apt.OPTIONS, *machine.LOCK]
    command += ["install", "-y", "--no-install-recommends"]

    def attempt(preferences: Path) -> None:
        apt.run_patiently([*command, "-o", f"Dir::Etc::preferences={preferences}", *wanted])

    try:
        # Without the network it has all it needs where the files are there.
        apt.run([*command, *wanted])
    except apt.PackageError:
        # It has no lists, or lists that name what is there no more.
        _update()
        avoiding(attempt)


def tree(name: str, release: str, packages: list[str]) -> Path:
    """The folder trees/NAME-RELEASE of the cache with these packages and all that they depend on.

    That is from the C library up: their programs are started with their own loader.
    """
    place = root() / "trees" / f"{name}-{release}"
    with locked(place.with_name(f".lock-{place.name}")):
        if not place.is_dir():
            _make_tree(place, Archive(release), packages)
    return place


def _make_tree(place: Path, archive: Archive, packages: list[str]) -> None:
    # The files that came stay there until the tree stands.
    files = place.with_name(f".files-{place.name}")
    (files / "partial").mkdir(parents=True, exist_ok=True)
    fetched = avoiding(lambda preferences: _fetch_closure(archive, packages, files, preferences), archive.refresh)
    with tempfile.TemporaryDirectory(prefix=f".making-{place.name}-", dir=place.parent) as scratch:
        aside = Path(scratch) / place.name
        aside.mkdir()
        for path in fetched:
            unpack(path, aside)
        for name in ("doc", "man", "locale"):
            shutil.rmtree(aside / "usr/share" / name, ignore_errors=True)
        aside.rename(place)
    shutil.rmtree(files)


def _fetch_closure(archive: Archive, packages: list[str], files: Path, preferences: Path) -> list[Path]:
    """apt sees no package installed, so it fetches the dependencies too, although the machine has some of that name."""
    options = ["-o", f"Dir::Etc::preferences={preferences}", "-o", "Debug::NoLocking=1", "-y"]
    command = [*archive.apt_get(*options), "--download-only", "install", *packages]
    apt.run_patiently([*command, "-o", f"Dir::Cache::archives={files}"])
    # What has come already it does not list; in a folder without them it lists all.
    with tempfile.TemporaryDirectory() as nothing:
        (Path(nothing) / "partial").mkdir()
        rows = apt.run([*command, "--print-uris", "-o", f"Dir::Cache::archives={nothing}"]).splitlines()
    return [files / row.split()[1] for row in rows if row.startswith("'")]


def _update() -> None:
    try:
        machine.update()
    except apt.PackageError as error:
        why = reason(error) if isinstance(error, apt.Unavailable) else error
        say(f"the machine's own apt could not be updated ({why}), going on with what it knows")
