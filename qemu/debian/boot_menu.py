# SPDX-License-Identifier: GPL-2.0-or-later
"""GRUB's menu on the serial line, used as a person does it: the bar is moved until it stands on the entry."""

import re

from .serial_line import SerialLine

MENU_SECONDS = 300
KEY_SECONDS = 60
KEYS_LIMIT = 40
# GRUB takes Emacs' keys too, which no terminal takes apart. Source: its manual, "The menu interface".
DOWN = "\x0e"
ENTER = "\r"
# The bar: GRUB marks the entry, and moves the cursor before and after it with terminal sequences. Without the one after
# it the title may not have come as a whole yet.
BAR = re.compile(r"\*([^\x1b*]*)\x1b")


def choose(line: SerialLine, *titles: str) -> None:
    """From power-on: waits for the menu, goes down through submenus, and starts the last of the entries.

    Each of the titles is the beginning of one.
    """
    for title in titles:
        line.wait_for("GNU GRUB ", MENU_SECONDS)
        _move_to(line, title)
        line.send(ENTER)


def _move_to(line: SerialLine, title: str) -> None:
    seen = []
    for _ in range(KEYS_LIMIT):
        marked = line.wait_for(BAR.pattern, KEY_SECONDS)[1].strip()
        if marked.startswith(title):
            return
        seen.append(marked)
        line.send(DOWN)
    raise AssertionError(f"GRUB's menu has no entry '{title}': {seen}")
