# SPDX-License-Identifier: GPL-2.0-or-later
"""What a row of the tables of cases is."""

from dataclasses import dataclass

from harness import checks
from harness.checks import Check
from harness.crash import Setup


@dataclass
class Case:
    """One row. `tier` is the test's label; `timeout_seconds` is for the whole case, checks included.

    `is_timed`: it holds only on a machine that does nothing else.
    """

    setup: Setup
    checks: list[Check]
    tier: str = "medium"
    timeout_seconds: int = 400
    is_timed: bool = False

    def __post_init__(self) -> None:
        self.is_timed |= any(row.startswith("deadline.") for row in self.setup.plan)


def small(**options) -> Setup:
    """Where the size of memory does not matter: quicker."""
    return Setup(memory="512M", **options)


def saved(setup: Setup, *more: Check, **options) -> Case:
    return Case(setup, [*checks.SAVED, *more], **options)
