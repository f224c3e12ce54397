# SPDX-License-Identifier: GPL-2.0-or-later
"""The cache outside the tree: entries are made aside and renamed into place.

An interrupted run leaves at most a `.making-*` folder behind, never an entry that looks whole. Each entry has a `.lock-*` file
beside it.
"""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from debian_packages.apt import PackageError
from debian_packages.cache_folder import locked, root
from debian_packages.notes import say


def entry(kind: str, key: str, make: Callable[[Path], None], family: str = "") -> Path:
    """The folder `kind/key`; `make` fills it the first time it is asked for.

    Where `make` cannot have the packages that it needs, the family's last entry has to do: what was made of older ones.
    """
    place = root() / kind / key
    # Others who want the same entry wait until it is there.
    if not place.is_dir():
        with locked(place.with_name(f".lock-{place.name}")):
            if not place.is_dir():
                try:
                    _make(place, make)
                except PackageError as error:
                    return _last_of(place.parent, family, error)
    if family:
        _remember(place, family)
    return place


def _make(place: Path, make: Callable[[Path], None]) -> None:
    aside = Path(tempfile.mkdtemp(prefix=".making-", dir=place.parent))
    try:
        make(aside)
        aside.chmod(0o755)
        aside.rename(place)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _remember(place: Path, family: str) -> None:
    last = place.with_name(f".last-{family}")
    if not last.exists() or last.read_text() != place.name:
        last.write_text(place.name)


def _last_of(folder: Path, family: str, error: PackageError) -> Path:
    last = folder / f".last-{family}"
    if not family or not last.exists() or not (place := folder / last.read_text()).is_dir():
        raise error
    say(f"{error}; taking '{place.name}', which is in the cache")
    return place
