# SPDX-License-Identifier: GPL-2.0-or-later
"""The serial log of a run, shown where something went wrong: its file may go with the machine that ran the tests."""

from pathlib import Path

TAIL_LINES = 60


def show_tail(log: Path) -> None:
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    print(f"the last {min(TAIL_LINES, len(lines))} of {len(lines)} lines of '{log}':")
    for line in lines[-TAIL_LINES:]:
        print(f"    {line}", flush=True)
