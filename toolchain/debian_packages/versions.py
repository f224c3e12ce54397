# SPDX-License-Identifier: GPL-2.0-or-later
"""Which versions of a package an archive offers, and in which order they are tried."""

import functools
import re
import subprocess
from pathlib import Path

from . import apt
from .archive import Archive, NoArchive
from .notes import say

TESTED = Path(__file__).resolve().parents[1] / "versions"
Record = dict[str, str]
UNKNOWN = re.compile(r"No packages found|Unable to (find a source package|locate package)")


def records(package: str, archive: Archive) -> list[Record]:
    """What the lists say of a package, a record for each version, newest first; none where they do not know it."""
    return _newest_first(_records(archive, ["show", "--all-versions"], [package]))


def newest(packages: list[str], archive: Archive) -> dict[str, str]:
    """The newest version of each package that the lists know."""
    found: dict[str, list[str]] = {}
    for record in _records(archive, ["show", "--all-versions"], packages):
        found.setdefault(record["Package"], []).append(record["Version"])
    return {name: newest_first(all_of_it)[0] for name, all_of_it in found.items()}


def offered(package: str, archive: Archive) -> list[str]:
    """The versions of a package, newest first."""
    return [record["Version"] for record in records(package, archive)]


def source_versions(package: str, archive: Archive) -> list[str]:
    """The versions of a source package, newest first."""
    return [record["Version"] for record in _newest_first(_records(archive, ["showsrc", "--only-source"], [package]))]


def in_order(offered: list[str], tested: str | None, have: list[str]) -> list[str]:
    """The newest of those offered, since what is linked statically gets its security updates in no other way.

    Then the tested one; the others, newest first; then those in the cache (without their epochs) that are offered no more.
    """
    known = {without_epoch(version) for version in offered}
    rest = [version for version in have if version not in known]
    second = [tested] if tested in offered else []
    return list(dict.fromkeys([*offered[:1], *second, *offered, *rest]))


def tested(name: str) -> str | None:
    """The version in toolchain/versions, where sources have src: before their names."""
    rows = (row.split() for row in TESTED.read_text().splitlines() if not row.startswith("#"))
    return dict(rows).get(name)


def newest_first(versions: list[str]) -> list[str]:
    return sorted(versions, key=functools.cmp_to_key(_compare), reverse=True)


def without_epoch(version: str) -> str:
    """As it stands in file names: a colon in a path is in many a program's way."""
    return version.rpartition(":")[2]


def needs(record: Record) -> list[str]:
    """The names that it depends on, in its order; of alternatives the first."""
    rows = [row.strip() for row in record.get("Depends", "").split(",") if row.strip()]
    return [row.partition("|")[0].split()[0].partition(":")[0] for row in rows]


def _records(archive: Archive, command: list[str], names: list[str]) -> list[Record]:
    try:
        text = apt.run([*archive.apt_cache(*command), *names])
    except NoArchive as error:
        say(f"{error}, going on with what is in the cache")
        return []
    except apt.PackageError as error:
        if not UNKNOWN.search(str(error)):
            raise
        return []
    found = (_parse(stanza) for stanza in text.split("\n\n") if stanza.strip())
    return [record for record in found if record.get("Package") in names]


def _parse(stanza: str) -> Record:
    rows = (row.partition(": ") for row in stanza.splitlines() if not row.startswith(" "))
    return {field: value for field, _, value in rows}


def _newest_first(found: list[Record]) -> list[Record]:
    """Of a version that several suites have, the first record."""
    by_version: dict[str, Record] = {}
    for record in found:
        by_version.setdefault(record["Version"], record)
    return [by_version[version] for version in newest_first(list(by_version))]


def _compare(one: str, other: str) -> int:
    if one == other:
        return 0
    is_newer = subprocess.run(["dpkg", "--compare-versions", one, "gt", other], check=False).returncode == 0
    return 1 if is_newer else -1
