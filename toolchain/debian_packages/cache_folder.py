# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the project keeps what it has fetched and built."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def root() -> Path:
    """The folder all caches of this project live in."""
    if named := os.environ.get("LIFEBOAT_CACHE"):
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "lifeboat"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Others who want the same lock wait; it ends with the process that has it. The file stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
