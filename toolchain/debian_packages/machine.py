# SPDX-License-Identifier: GPL-2.0-or-later
"""What the machine's own apt knows of Debian's archives. apt reads all forms of its configuration itself."""

import os
import platform
import shlex
from dataclasses import dataclass
from pathlib import Path

from . import apt

SEPARATOR = "|"
# No waiting for ever where another apt is at work.
LOCK = ["-o", "DPkg::Lock::Timeout=600"]
SUDO = [] if os.geteuid() == 0 else ["sudo"]


@dataclass(frozen=True, order=True)
class Place:
    """One suite at one address. `suite` may be a name such as stable, `codename` is the release's."""

    codename: str
    suite: str
    uri: str

    @property
    def is_security(self) -> bool:
        return self.codename.endswith("-security")


def release() -> str:
    """The codename of the machine's release, such as bookworm."""
    return platform.freedesktop_os_release().get("VERSION_CODENAME", "")


def places() -> list[Place]:
    """Debian's archives that apt has lists of.

    Third parties' are left out; what claims falsely to be Debian's is found out by its signature. The main archive
    comes before that of the security updates: of a version that both have, apt takes the first one's files, and mirrors
    of the latter do not keep the sources that moved on from there.
    """
    fields = ["$(ORIGIN)", "$(COMPONENT)", "$(CODENAME)", "$(RELEASE)", "$(REPO_URI)"]
    rows = {tuple(row.split(SEPARATOR)) for row in _targets(fields)}
    found = {Place(*row[2:]) for row in rows if row[:2] == ("Debian", "main")}
    return sorted(place for place in found if not place.uri.startswith("cdrom:"))


def has_unseen_places() -> bool:
    """Whether apt is configured for suites of this release that it has no lists of.

    On a fresh machine it often is so of the one with the security updates.
    """
    configured = {row for row in _targets(["$(RELEASE)"], "--no-release-info") if row.partition("-")[0] == release()}
    return bool(configured - {place.suite for place in places()})


def update() -> None:
    """The machine's own lists; takes root, or sudo."""
    apt.run_patiently([*SUDO, "apt-get", *apt.OPTIONS, *LOCK, "-o", "APT::Update::Error-Mode=any", "update"])


def configuration_seconds() -> float:
    """When apt's sources were changed last, in seconds since 1970."""
    names = {"LIST": "Dir::Etc::sourcelist/f", "PARTS": "Dir::Etc::sourceparts/d"}
    rows = apt.run(["apt-config", "shell", *(word for pair in names.items() for word in pair)]).splitlines()
    paths = [Path(shlex.split(row.partition("=")[2])[0]) for row in rows]
    paths += [inside for path in paths if path.is_dir() for inside in path.iterdir()]
    return max((path.stat().st_mtime for path in paths if path.exists()), default=0)


def _targets(fields: list[str], *options: str) -> list[str]:
    format = SEPARATOR.join(fields)
    return apt.run(["apt-get", "indextargets", *options, "--format", format, "Created-By: Packages"]).splitlines()
