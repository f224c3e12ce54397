# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's packages, fetched by apt and unpacked without installing them."""

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from . import cache

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# apt is asked for another release's lists again after a day.
FRESH_SECONDS = 24 * 3600


class PackageError(Exception):
    """A package could not be had."""


@dataclass(frozen=True)
class Archive:
    """Where packages come from: the machine's own apt, or another release of Debian's.

    The latter has an apt state of its own in the cache, with entries derived from the machine's: nothing of the machine's apt
    is touched. `suite` is the newest that is taken from, the others of `release` come with it.
    """

    release: str = ""
    suite: str = ""

    def without_backports(self) -> "Archive":
        return Archive(self.release, self.release)

    def options(self) -> list[str]:
        if not self.release:
            return []
        state = cache.root() / "apt" / self.suite
        settings = {
            "Dir::State": state,
            "Dir::State::lists": state / "lists",
            "Dir::State::status": state / "status",
            "Dir::Cache": state / "cache",
            # Machines made of containers' images have both switched off, and then each question reads all lists.
            "Dir::Cache::pkgcache": "pkgcache.bin",
            "Dir::Cache::srcpkgcache": "srcpkgcache.bin",
            "Dir::Etc::sourcelist": state / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Acquire::Languages": "none",
        }
        # Without backports none is to be preferred: the release itself would be, to its own security updates.
        if self.suite != self.release:
            settings["APT::Default-Release"] = self.suite
        self._prepare(state, settings)
        return _options(settings)

    def _prepare(self, state: Path, settings: dict) -> None:
        updated = state / "updated"
        if updated.exists() and time.time() - updated.stat().st_mtime < FRESH_SECONDS:
            return
        for folder in ("lists/partial", "cache/archives/partial"):
            (state / folder).mkdir(parents=True, exist_ok=True)
        (state / "status").touch()
        (state / "sources.list").write_text("".join(f"{row}\n" for row in self.entries()))
        command = ["apt-get", "-qq", *_options(settings), "-o", "APT::Sandbox::User=root", "update"]
        subprocess.run(command, check=True)
        updated.touch()

    def entries(self) -> list[str]:
        """Of sources.list: for each place that the machine has Debian from, this release's entries."""
        command = ["apt-get", "indextargets", "--format", "$(ORIGIN)|$(REPO_URI)|$(RELEASE)", "Created-By: Packages"]
        rows = {tuple(row.split("|")) for row in _output(*command).splitlines()}
        suites = (self.release, f"{self.release}-updates", f"{self.release}-security", self.suite)
        entries = set()
        for origin, uri, known in rows:
            if origin == "Debian":
                is_security = known.endswith("-security")
                entries |= {(uri, suite) for suite in suites if suite.endswith("-security") == is_security}
        return [f"deb [signed-by={KEYRING}] {uri} {suite} main" for uri, suite in sorted(entries)]


OWN = Archive()
TRIXIE = Archive("trixie", "trixie")
BACKPORTS = Archive("trixie", "trixie-backports")


def key(package: str, archive: Archive = OWN) -> str:
    """Names the package and its newest version."""
    return keys([package], archive)[0]


def keys(names: list[str], archive: Archive = OWN) -> list[str]:
    """The same for several, in the order of their names given."""
    rows = _output("apt-cache", *archive.options(), "show", "--no-all-versions", *names).splitlines()
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


def dependencies(package: str, archive: Archive = OWN) -> list[str]:
    """What it depends on directly, in the package's order."""
    rows = _output("apt-cache", *archive.options(), "depends", "--important", package).splitlines()
    fields = (row.strip().partition(": ") for row in rows)
    return [name for kind, _, name in fields if kind == "Depends" and not name.startswith("<")]


def download(package: str, folder: Path, archive: Archive = OWN) -> Path:
    """The package's file. The folder may be closed to apt's sandbox user, so root downloads."""
    before = set(folder.glob("*.deb"))
    options = [*archive.options(), "-o", "APT::Sandbox::User=root", "-qq"]
    subprocess.run(["apt-get", *options, "download", package], cwd=folder, check=True)
    archives = [path for path in folder.glob("*.deb") if path not in before]
    if len(archives) != 1:
        raise PackageError(f"apt downloaded {len(archives)} files for '{package}'")
    return archives[0]


def unpack(package: str, folder: Path, archive: Archive = OWN) -> None:
    path = download(package, folder, archive)
    subprocess.run(["dpkg-deb", "-x", path, folder], check=True)
    path.unlink()


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


def _options(settings: dict) -> list[str]:
    return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
