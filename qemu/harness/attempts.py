# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine that is lost is started again: nothing is known then about what it was to show."""

from collections.abc import Callable
from typing import TypeVar

from .machine import LostMachine

ATTEMPTS = 3

Known = TypeVar("Known")


def until_known(attempt: Callable[[], Known], lost: Callable[[int], None] = lambda number: None) -> Known:
    """What the first attempt gives that loses no machine; LostMachine when the last one has. `lost` is told of each."""
    for number in range(1, ATTEMPTS + 1):
        try:
            return attempt()
        except LostMachine as reason:
            print(f"attempt {number} of {ATTEMPTS}: machine lost: {reason}", flush=True)
            lost(number)
            if number == ATTEMPTS:
                raise
    raise AssertionError("not reached")
