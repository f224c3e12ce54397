# SPDX-License-Identifier: GPL-2.0-or-later
"""Shows what came ashore."""

from . import dump_files
from .crash import Outcome

LOG_TAIL_LINES = 25


def show(outcome: Outcome) -> None:
    """The dump's files, the end of the dead kernel's log, the summary line and the times."""
    print(f"kernel         {outcome.kernel.release}")
    print(f"serial log     {outcome.serial_log}")
    if outcome.raw:
        print(f"raw vmcore     {outcome.raw} ({outcome.raw.stat().st_size:,} bytes)")
    print(f"crash initrd   {outcome.initrd_bytes:,} bytes")
    _show_dump(outcome)
    _show_summary(outcome)
    _show_times(outcome)


def _show_dump(outcome: Outcome) -> None:
    if not outcome.dump:
        print("dump           none")
        return
    print(f"dump           {outcome.dump}")
    for row in dump_files.listing(outcome.dump):
        print(f"    {row}")
    log = outcome.dump / dump_files.KERNEL_LOG
    if log.exists():
        print(f"the last {LOG_TAIL_LINES} lines of {log.name}:")
        for line in log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]:
            print(f"    {line}")


def _show_summary(outcome: Outcome) -> None:
    lines = [line for line in outcome.serial.splitlines() if "lifeboat: summary " in line]
    print(lines[-1] if lines else "there was no summary line")


def _show_times(outcome: Outcome) -> None:
    seconds = outcome.seconds()
    steps = list(seconds.items())
    print("seconds        " + ", ".join(f"{name} at {when:.1f}" for name, when in steps))
    if "init" in seconds:
        print(f"               from init to the reboot: {seconds['end'] - seconds['init']:.1f}")
