# SPDX-License-Identifier: GPL-2.0-or-later
"""Lets apt, or what runs it, choose packages with all they depend on, and do without the files that an archive lacks."""

import subprocess
import tempfile
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from . import apt, machine, versions
from .archive import Archive
from .cache_folder import locked, root
from .fetch import reason, unpack
from .notes import say

Found = TypeVar("Found")
# More than that are lacking only where the archive as a whole does not work.
MAX_AVOIDED = 8


def avoiding(attempt: Callable[[Path], Found], renew: Callable[[], object] = lambda: None) -> Found:
    """What `attempt` returns, which is given a file of apt's preferences: with those versions pinned away whose files could not
    be fetched. The first time `renew` sees to newer lists."""
    pins: dict[str, str] = {}
    with tempfile.NamedTemporaryFile("w", suffix=".pref") as preferences:
        while True:
            try:
                return attempt(Path(preferences.name))
            except apt.Unavailable as error:
                lacking = {_package(failure.uri): failure.reason for failure in error.failures}
                new = {file: why for file, why in lacking.items() if file and file not in pins}
                if not new or len(pins) >= MAX_AVOIDED:
                    raise
                if not pins:
                    renew()
                pins |= new
                for file, why in new.items():
                    say(f"{' '.join(file.split('_'))} cannot be had from the archive ({why}), taking another version")
                    preferences.write(_pin(*file.split("_")))
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
    """The folder trees/NAME-RELEASE of the cache with these packages and all that they depend on, from the C library up: their programs
    are started with their own loader."""
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
        subprocess.run(["rm", "-rf", aside / "usr/share/doc", aside / "usr/share/man", aside / "usr/share/locale"], check=True)
        aside.rename(place)
    subprocess.run(["rm", "-rf", files], check=True)


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


def _package(uri: str) -> str:
    """"NAME_VERSION" of a package's file, whose name leaves the epoch out."""
    name = urllib.parse.unquote(uri.rpartition("/")[2])
    return "_".join(name.split("_")[:2]) if name.endswith(".deb") else ""


def _pin(name: str, version: str) -> str:
    stanza = "Package: {}\nPin: version {}\nPin-Priority: -1\n\n"
    return stanza.format(name, version) + stanza.format(name, f"*:{version}")
