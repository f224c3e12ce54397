# SPDX-License-Identifier: GPL-2.0-or-later
"""A release of Debian, seen through an apt state of the project's own."""

import dataclasses
import functools
import time
from dataclasses import dataclass
from pathlib import Path

from . import apt, machine
from .cache_folder import locked, root
from .notes import say

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# apt is asked for the lists again after a day; when that fails and there are some, after a quarter of an hour.
FRESH_SECONDS = 24 * 3600
FAILED_SECONDS = 15 * 60
# Lists that are older than this may name what the archive has replaced.
DOUBTFUL_SECONDS = 10 * 60
# Releases that are no release: they have no updates besides.
ROLLING = ("sid",)


class NoArchive(apt.PackageError):
    """There are no lists, and none could be fetched."""


@dataclass(frozen=True)
class Archive:
    """`release` with its updates, and with `backports` on top of them where that is said; for one architecture.

    Nothing of the machine's apt is touched. The lists of sources are there for the machine's own release.
    """

    release: str
    backports: bool = False
    architecture: str = "amd64"

    def apt_get(self, *words: object) -> list:
        """The command line of apt-get for this archive, whose lists are there then."""
        return ["apt-get", *self._options(), *words]

    def apt_cache(self, *words: object) -> list:
        return ["apt-cache", *self._options(), *words]

    def entries(self) -> list[str]:
        """The rows of a sources.list for its packages: of the suites of which there are lists."""
        fields = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
        rows = apt.run(self.apt_get("indextargets", "--format", fields, "Created-By: Packages")).splitlines()
        return [f"deb [signed-by={KEYRING}] {row}" for row in rows]

    def has_doubtful_lists(self) -> bool:
        return _age_seconds(self._state / "updated") > DOUBTFUL_SECONDS

    def refresh(self) -> bool:
        """Asks for the lists again unless that was just done. Tells whether they are newer now."""
        if not self.has_doubtful_lists() or _age_seconds(self._state / "tried") < DOUBTFUL_SECONDS:
            return False
        with locked(self._state / "lock"):
            self._bring_lists()
        return not self.has_doubtful_lists()

    def without_backports(self) -> "Archive":
        return dataclasses.replace(self, backports=False)

    @property
    def suite(self) -> str:
        """The newest that is taken from."""
        return f"{self.release}-backports" if self.backports else self.release

    @property
    def name(self) -> str:
        return f"{self.suite}-{self.architecture}"

    @property
    def _state(self) -> Path:
        return root() / "apt" / self.name

    def _options(self) -> list[str]:
        _prepare(self)
        return self._settings()

    def _settings(self) -> list[str]:
        state = self._state
        settings = {
            "Dir::State": state,
            "Dir::State::lists": state / "lists",
            "Dir::State::status": state / "status",
            "Dir::Cache": state / "cache",
            "Dir::Cache::pkgcache": "pkgcache.bin",
            "Dir::Cache::srcpkgcache": "srcpkgcache.bin",
            "Dir::Etc::sourcelist": state / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "APT::Architecture": self.architecture,
            "APT::Architectures": self.architecture,
            # The cache may be closed to others.
            "APT::Sandbox::User": "root",
            "APT::Install-Recommends": "false",
            "Acquire::Languages": "none",
            "Acquire::GzipIndexes": "false",
        }
        return [*apt.OPTIONS, *(word for name, value in settings.items() for word in ("-o", f"{name}={value}"))]

    def prepare(self) -> None:
        """Sees to lists that are less than a day old; with others it goes on where the archive does not answer."""
        if not self._is_due():
            return
        with locked(self._state / "lock"):
            if self._is_due():
                self._bring_lists()

    def _is_due(self) -> bool:
        updated = self._state / "updated"
        if _age_seconds(updated) < FRESH_SECONDS and updated.stat().st_mtime > machine.configuration_seconds():
            return False
        return _age_seconds(self._state / "tried") > FAILED_SECONDS or not self._has_lists()

    def _bring_lists(self) -> None:
        self._lay_out()
        had_lists = self._has_lists()
        try:
            self._write_entries()
            # Where there are lists, a machine without a network does not wait.
            (apt.run if had_lists else apt.run_patiently)([*self._update_command()])
        except apt.PackageError as error:
            (self._state / "tried").touch()
            if not self._has_lists():
                raise NoArchive(f"there are no lists of Debian's packages of {self.release}: {error}") from error
            say(f"the lists of {self.release} could not be updated ({_short(error)}), going on with {self._date()}")
        else:
            (self._state / "updated").touch()

    def _update_command(self) -> list[str]:
        return ["apt-get", *self._settings(), "-o", "APT::Update::Error-Mode=any", "update"]

    def _lay_out(self) -> None:
        for folder in ("lists/partial", "cache/archives/partial"):
            (self._state / folder).mkdir(parents=True, exist_ok=True)
        (self._state / "status").touch()

    def _has_lists(self) -> bool:
        return any(self._state.glob("lists/*_Packages*"))

    def _date(self) -> str:
        updated = self._state / "updated"
        if not updated.exists():
            return "what came"
        return f"those of {time.strftime('%F %R', time.localtime(updated.stat().st_mtime))}"

    def _write_entries(self) -> None:
        entries = "".join(f"{row}\n" for row in self._all_entries())
        sources = self._state / "sources.list"
        if entries:
            sources.write_text(entries)
        elif not sources.exists():
            raise NoArchive("apt knows no Debian archive on this machine; apt-get update as root may help")

    def _all_entries(self) -> list[str]:
        options = f"arch={self.architecture} signed-by={KEYRING}"
        places = self._places()
        rows = [f"deb [{options}] {uri} {suite} main" for suite, uri in places]
        if self.release == machine.release():
            rows += [f"deb-src [signed-by={KEYRING}] {uri} {suite} main" for suite, uri in places]
        return rows

    def _places(self) -> list[tuple[str, str]]:
        """Suite and address. Of the machine's own release what the machine has, of another what is its counterpart."""
        known = self._places_of_machine()
        own = [place for place in known if place.codename.partition("-")[0] == self.release]
        if own and not self.backports:
            return [(place.suite, place.uri) for place in own]
        counterparts = {(suite, place.uri) for place in known for suite in self._suites(place.is_security)}
        return sorted(counterparts)

    def _places_of_machine(self) -> list[machine.Place]:
        if machine.has_unseen_places():
            try:
                machine.update()
            except (apt.PackageError, OSError) as error:
                say(f"the machine's own apt could not be updated ({_short(error)}), going on with what it knows")
        return machine.places()

    def _suites(self, of_security: bool) -> list[str]:
        if of_security:
            return [] if self.release in ROLLING else [f"{self.release}-security"]
        more = [] if self.release in ROLLING else [f"{self.release}-updates"]
        return [self.release, *more, *([f"{self.release}-backports"] if self.backports else [])]


@functools.cache
def _prepare(archive: Archive) -> None:
    """Once for each process."""
    archive.prepare()


def _age_seconds(path: Path) -> float:
    return time.time() - path.stat().st_mtime if path.exists() else float("inf")


def _short(error: Exception) -> str:
    """Without the address of the file, of which lists have long ones."""
    failures = getattr(error, "failures", ())
    return failures[0].reason if failures else str(error)
