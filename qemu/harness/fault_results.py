# SPDX-License-Identifier: GPL-2.0-or-later
"""What came of each fault that was provoked: a row for each run, out of which docs/faults.md is made."""

import csv
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from .crash import Outcome

# The rows go there, if anywhere.
VARIABLE = "LIFEBOAT_FAULTS"


@dataclass
class Row:
    """One run. `ashore` is the summary's result; `error` the last that it names; `seconds` from the crash kernel's init to
    the reboot, empty where it never came to its init."""

    kind: str
    fault: str
    kernel: str
    cpus: int
    holds: bool
    ashore: str
    error: str
    seconds: str


def note(row: tuple[str, str], outcome: Outcome, complaints: list[str]) -> None:
    place = os.environ.get(VARIABLE)
    if not place:
        return
    summary, marks = outcome.summary(), outcome.seconds()
    took = f"{marks['end'] - marks['init']:.1f}" if "init" in marks else ""
    ashore = summary.get("result", "no summary")
    error = summary.get("error", "").replace("\\x20", " ")
    made = Row(*row, outcome.setup.kernel, outcome.setup.cpus, not complaints, ashore, error, took)
    path = Path(place)
    is_new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Row)], lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerow(asdict(made))


def read(path: Path) -> list[Row]:
    with path.open(newline="") as file:
        return [
            Row(**row | {"cpus": int(row["cpus"]), "holds": row["holds"] == "True"}) for row in csv.DictReader(file)
        ]
