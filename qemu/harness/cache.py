# SPDX-License-Identifier: GPL-2.0-or-later
"""The cache outside the tree: entries are made aside and renamed into place.

An interrupted run leaves at most a `.making-*` folder behind, never an entry that looks whole. Each entry has a `.lock-*` file
beside it.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def root() -> Path:
    """The folder all caches of this project live in."""
    if named := os.environ.get("LIFEBOAT_CACHE"):
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "lifeboat"


def entry(kind: str, key: str, make: Callable[[Path], None]) -> Path:
    """The folder `kind/key`; `make` fills it the first time it is asked for."""
    place = root() / kind / key
    if place.is_dir():
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    with _only_maker(place):
        if not place.is_dir():
            _make(place, make)
    return place


@contextmanager
def _only_maker(place: Path) -> Iterator[None]:
    """Others who want the same entry wait until it is there."""
    with place.with_name(f".lock-{place.name}").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(place: Path, make: Callable[[Path], None]) -> None:
    aside = Path(tempfile.mkdtemp(prefix=".making-", dir=place.parent))
    try:
        make(aside)
        aside.chmod(0o755)
        aside.rename(place)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
