# SPDX-License-Identifier: GPL-2.0-or-later
"""The cache outside the tree: entries are made aside and renamed into place.

An interrupted run leaves at most a `.making-*` folder behind, never an entry that looks whole.
"""

import os
import shutil
import tempfile
from collections.abc import Callable
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
    aside = Path(tempfile.mkdtemp(prefix=".making-", dir=place.parent))
    try:
        make(aside)
        aside.chmod(0o755)
        _publish(aside, place)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return place


def _publish(aside: Path, place: Path) -> None:
    try:
        aside.rename(place)
    except OSError:
        # Another run made the same entry meanwhile; its content is the same.
        if not place.is_dir():
            raise
