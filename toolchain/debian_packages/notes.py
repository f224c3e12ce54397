# SPDX-License-Identifier: GPL-2.0-or-later
"""What whoever waits for packages is told: one line for each thing that was survived."""

import sys

_prefix = ["debian-packages"]


def speak_as(prefix: str) -> None:
    """For whom the lines are, such as "toolchain"."""
    _prefix[0] = prefix


def say(text: str) -> None:
    print(f"{_prefix[0]}: {text}", file=sys.stderr, flush=True)
