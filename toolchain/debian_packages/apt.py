# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs apt, tells what could not be fetched from everything else that fails, and tries again what may pass."""

import os
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from .notes import say

# apt's own attempts follow each other at once, and none follows a file with other bytes than the lists say.
OPTIONS = ["-q", "-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=20", "-o", "Acquire::https::Timeout=20"]
PAUSES_SECONDS = (1, 5)
DETAILED_LINES = 25
FAILURE = re.compile(r"^[EW]: Failed to fetch (\S+) +(.*)$", re.MULTILINE)
TROUBLE = re.compile(r"^[EW]: .*$", re.MULTILINE)
# The archive has answered: it has no such file, or does not give it.
LASTING = re.compile(r"(401|403|404|410|451)\b")
ADDRESS = re.compile(r" \[IP: [^]]*\]")


class PackageError(Exception):
    """A package could not be had. `details` is the end of what apt, or what ran it, has said: lines, or nothing."""

    def __init__(self, reason: str, details: str = ""):
        super().__init__(reason)
        self.details = details


@dataclass(frozen=True)
class Failure:
    """One file that did not come, and why, in apt's words."""

    uri: str
    reason: str

    @property
    def is_lasting(self) -> bool:
        return LASTING.match(self.reason) is not None


class Unavailable(PackageError):
    """The archive did not deliver it."""

    def __init__(self, reason: str, failures: tuple[Failure, ...] = ()):
        super().__init__(reason)
        self.failures = failures

    @property
    def is_lasting(self) -> bool:
        return any(failure.is_lasting for failure in self.failures)

    def worst(self) -> tuple[Failure, ...]:
        """Those that last; where none does, all."""
        return tuple(failure for failure in self.failures if failure.is_lasting) or self.failures


class _Patience:
    """Pauses between attempts. Where they were spent for nothing, the network is gone: what is asked next gets one."""

    def __init__(self) -> None:
        self._is_spent = False

    def pauses(self) -> tuple[int, ...]:
        return () if self._is_spent else PAUSES_SECONDS

    def learn(self, has_answered: bool) -> None:
        self._is_spent = not has_answered


_patience = _Patience()


def run(command: list, folder: Path | None = None) -> str:
    """apt's output. Raises Unavailable where files did not come, PackageError where something else is wrong."""
    environment = os.environ | {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    options = {"cwd": folder, "env": environment, "stdin": subprocess.DEVNULL}
    done = subprocess.run(command, **options, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        end = "\n".join((done.stdout + done.stderr).splitlines()[-DETAILED_LINES:])
        raise failure(done.stderr) or PackageError(f"'{command[0]}' says: {first_trouble(done)}", end)
    return done.stdout


def run_patiently(command: list, folder: Path | None = None) -> str:
    """The same, with pauses before what may pass is tried again."""
    for pause in (*_patience.pauses(), None):
        try:
            output = run(command, folder)
        except Unavailable as error:
            if error.is_lasting or pause is None:
                _patience.learn(has_answered=error.is_lasting)
                raise
            say(f"{error}, trying again in {pause} s")
            time.sleep(pause)
        else:
            _patience.learn(has_answered=True)
            return output
    raise AssertionError("the last attempt returns or raises")


def failure(said: str) -> Unavailable | None:
    """What did not come, by what apt (or a program that runs it) has said."""
    found = tuple(Failure(uri, ADDRESS.sub("", reason)) for uri, reason in FAILURE.findall(said))
    if not found:
        return None
    return Unavailable(f"'{found[0].uri}': {found[0].reason}", found)


def first_trouble(done: subprocess.CompletedProcess) -> str:
    """The line that says what is wrong."""
    # Errors come before warnings.
    rows = sorted(TROUBLE.findall(done.stderr)) or done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
    return ADDRESS.sub("", rows[0]).removeprefix("E: ").removeprefix("W: ")
