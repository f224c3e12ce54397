# SPDX-License-Identifier: GPL-2.0-or-later
"""`lifeboat test`: the crash that was asked for, what the next boot says of it, and until when that holds."""

import json
import re
from collections.abc import Iterator

from . import system_image
from .captures import Flow, Tried, install
from .guest import COMMAND_SECONDS, Crash, Guest

QUESTION = r"Type the host's name \(guest\) to go on: "


def crash_test(line: str) -> Flow:
    """The test passes, holds for what was loaded then, and no longer when something else is."""

    def flow(tried: Tried) -> Iterator[str]:
        with Guest(system_image.fetch(line), tried.folder, [tried.package]) as guest:
            install(guest)
            yield from tested(guest, False, "never")
            yield from _needs_the_name(guest)
            crash = confirm(guest)
            if "result=saved" not in crash.text:
                yield "the crash was not captured"
            guest.log_in()
            yield from report_says_so(guest)
            yield from tested(guest, True, "as it is now")
            guest.check("echo 'level = 1' >> /etc/lifeboat.conf")
            if "config '/etc/lifeboat.conf' has changed" not in guest.run("lifeboat status").output:
                yield "'lifeboat status' says nothing of a configuration that is not packed"
            guest.check("lifeboat pack && lifeboat reload")
            yield from tested(guest, False, "before the last change")

    return flow


def _needs_the_name(guest: Guest) -> Iterator[str]:
    """Neither without a terminal nor with another host's name is anything crashed."""
    answer = guest.run("lifeboat test")
    if answer.status == 0 or "there is no terminal to ask at" not in answer.output:
        yield f"'lifeboat test' without a terminal: {answer.status}: {answer.output}"
    _ask(guest)
    guest.line.send("elsewhere\n")
    guest.line.wait_for("that is not this host's name, nothing was done", COMMAND_SECONDS)


def _ask(guest: Guest) -> None:
    guest.line.send("lifeboat test\n")
    guest.line.wait_for(QUESTION, COMMAND_SECONDS)


def confirm(guest: Guest) -> Crash:
    _ask(guest)
    return guest.crash("guest")


def report_says_so(guest: Guest) -> Iterator[str]:
    # All of the dump is read for it.
    guest.wait_until_up(COMMAND_SECONDS)
    journal = guest.check("journalctl --boot --no-pager --output=cat --unit=lifeboat-report.service")
    print(journal, flush=True)
    if not re.search(r"the crash test passed: '/var/crash/\d{8}T\d{6}Z-guest' is whole, \d+ pages", journal):
        yield f"the journal does not say that the crash test passed: {journal}"


def tested(guest: Guest, holds: bool, words: str) -> Iterator[str]:
    status = guest.run("lifeboat status")
    print(status.output, flush=True)
    if status.status != 0 or not re.search(rf"(?m)^tested .*{words}", status.output):
        yield f"'lifeboat status' does not say '{words}' of the test: {status.status}: {status.output}"
    if json.loads(guest.check("lifeboat status --json"))["tested"] is not holds:
        yield f"'lifeboat status --json' does not say that tested is {holds}"
