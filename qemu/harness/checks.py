# SPDX-License-Identifier: GPL-2.0-or-later
"""What a case may demand of an outcome. A check returns its complaints; none means it holds."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from . import dump_files, kernels
from .crash import Outcome
from .machine import mebibytes

Check = Callable[[Outcome], Iterator[str]]

PANICKING_TASK = "lifeboat-panics"
REFERENCE = Path(__file__).parents[2] / "tests/reference"
REFERENCE_CHECK = REFERENCE / "check_dump.py"
LEVELS_CHECK = REFERENCE / "check-levels"
# The results of agrees_at_every_level go there, if anywhere; and a makedumpfile that knows the newer kernels.
RESULTS_VARIABLE = "LIFEBOAT_RESULTS"
NEWER_MAKEDUMPFILE_VARIABLE = "LIFEBOAT_MAKEDUMPFILE"
_reading_vmlinux: list[Check] = []
# How long before the harm a watchdog may have been fed last; how long after its time an emulated machine may be back.
FEEDING_SECONDS = 3
RESTART_SECONDS = 15
# Of crashkernel=SIZE,cma.
LENT = re.compile(r"crashkernel CMA reserved: (\d+) MB")
PAGES_OF_MEBIBYTE = 256
# How much of the kernel log's end must hold the panic.
LAST_LINES = 60


def reboots(outcome: Outcome) -> Iterator[str]:
    """The machine comes back by itself."""
    if outcome.run.timed_out:
        yield f"the machine did not reboot within {outcome.run.seconds:.0f} s"
    if "guest: panics now" not in outcome.serial:
        yield "the first kernel never came to its panic"


def is_truthful(outcome: Outcome) -> Iterator[str]:
    """Names, size, header and summary say the same about the dump."""
    result = outcome.summary().get("result")
    complete = outcome.dump and outcome.dump / dump_files.COMPLETE
    incomplete = outcome.dump and outcome.dump / dump_files.INCOMPLETE
    is_saved = bool(complete and complete.exists())
    if result and is_saved != (result in ("saved", "partial")):
        yield f"the summary says result={result}, but 'vmcore' is {'there' if is_saved else 'not there'}"
    if is_saved:
        yield from dump_files.differences(outcome.dump, outcome.summary())
    if is_saved and incomplete.exists():
        yield "there are both 'vmcore' and 'vmcore.incomplete'"
    for path, is_complete in ((complete, True), (incomplete, False)):
        header = dump_files.read_header(path) if path and path.exists() else None
        if header and header.is_complete != is_complete:
            yield f"'{path.name}' says in its header that it is {'' if header.is_complete else 'in'}complete"
    may_be_mounted = outcome.setup.target_vanishes or outcome.setup.stands_still or outcome.setup.saboteur == "panic"
    if outcome.dump and not outcome.is_unmounted and not may_be_mounted:
        yield "the target was not unmounted"


def keeps_to_its_memory(outcome: Outcome) -> Iterator[str]:
    """The crash kernel uses what was reserved for it, and not the dead kernel's memory."""
    total_kib = outcome.summary().get("mem_total_kib", "0")
    setup = outcome.setup
    if int(total_kib) > (mebibytes(setup.crashkernel) + setup.lent_mebibytes) * 1024:
        lent = f" and {setup.lent_mebibytes} MiB lent" if setup.lent_mebibytes else ""
        yield f"the crash kernel has {total_kib} KiB of memory, with crashkernel={setup.crashkernel}{lent}"


def uses_lent_memory(outcome: Outcome) -> Iterator[str]:
    """The kernel has lent what it was asked for, the crash kernel has it besides the fixed part, and it is in no dump."""
    setup, summary = outcome.setup, outcome.summary()
    lent = LENT.search(outcome.serial)
    if not lent or int(lent[1]) != setup.lent_mebibytes:
        yield f"the first kernel has not lent {setup.lent_mebibytes} MiB: {lent and lent[0]}"
    if int(summary.get("mem_total_kib", "0")) <= mebibytes(setup.crashkernel) * 1024:
        yield f"the crash kernel has {summary.get('mem_total_kib')} KiB, no more than crashkernel={setup.crashkernel}"
    left_mebibytes = mebibytes(setup.memory) - mebibytes(setup.crashkernel) - setup.lent_mebibytes
    if not 0 < int(summary.get("pages", "0")) <= left_mebibytes * PAGES_OF_MEBIBYTE:
        yield f"the vmcore has {summary.get('pages')} pages, of the {left_mebibytes} MiB that are neither reserved nor lent"


def has_summary(*results: str) -> Check:
    """The closing line is there, with one of these results."""

    def check(outcome: Outcome) -> Iterator[str]:
        result = outcome.summary().get("result")
        if result not in results:
            yield f"the summary's result is {result}, not {' or '.join(results)}"

    return check


def has_dump(outcome: Outcome) -> Iterator[str]:
    """A complete dump of the level asked for."""
    yield from has_dump_of_level(outcome.setup.level)(outcome)


def has_dump_of_level(level: int) -> Check:
    """A complete dump that claims this level."""

    def check(outcome: Outcome) -> Iterator[str]:
        dump = outcome.dump and outcome.dump / dump_files.COMPLETE
        header = dump_files.read_header(dump) if dump and dump.exists() else None
        if header is None:
            yield "there is no 'vmcore' in the kdump-compressed format"
        elif header.level != level:
            yield f"the dump's level is {header.level}, not {level}"

    return check


def has_incomplete_dump(outcome: Outcome) -> Iterator[str]:
    """What fitted is there under the name that says so."""
    if not outcome.dump or not (outcome.dump / dump_files.INCOMPLETE).exists():
        yield "there is no 'vmcore.incomplete'"


def has_no_dump(outcome: Outcome) -> Iterator[str]:
    if outcome.dump and (outcome.dump / dump_files.COMPLETE).exists():
        yield "there is a 'vmcore'"


def _kernel_log(outcome: Outcome) -> str | None:
    path = outcome.dump and outcome.dump / dump_files.KERNEL_LOG
    return path.read_text(errors="replace") if path and path.exists() else None


def has_kernel_log(outcome: Outcome) -> Iterator[str]:
    """The dead kernel's log was saved, to its very end: the panic of our task."""
    log = _kernel_log(outcome)
    if log is None:
        yield f"there is no '{dump_files.KERNEL_LOG}'"
        return
    lines = log.splitlines()
    end = "\n".join(lines[-LAST_LINES:])
    for wanted in ("Kernel panic - not syncing: sysrq triggered crash", f"Comm: {PANICKING_TASK}"):
        if wanted not in end:
            yield f"the kernel log's last {LAST_LINES} lines have no '{wanted}'"
    if "Linux version" not in "\n".join(lines[:5]):
        yield "the kernel log does not begin with the kernel's version"


def has_kernel_log_with(words: str) -> Check:
    """The dead kernel's log was saved to its end, which has these words."""

    def check(outcome: Outcome) -> Iterator[str]:
        log = _kernel_log(outcome)
        if log is None:
            yield f"there is no '{dump_files.KERNEL_LOG}'"
        elif words not in log:
            yield f"the kernel log has no '{words}'"

    return check


def is_saved_if_started(outcome: Outcome) -> Iterator[str]:
    """Whatever the dead kernel's memory holds: where the crash kernel was started, all of it is saved."""
    if "lifeboat: started" in outcome.serial_after_panic():
        yield from has_summary("saved", "partial")(outcome)
        yield from has_log(outcome)


def has_on_other(disk: str, *files: str) -> Check:
    """What another disk of the setup has taken."""

    def check(outcome: Outcome) -> Iterator[str]:
        there = {path.name for path in outcome.others[disk].rglob("*")}
        for name in files:
            if name not in there:
                yield f"there is no '{name}' on the disk '{disk}'"

    return check


def is_private(outcome: Outcome) -> Iterator[str]:
    """Nobody but root may read a dump."""
    if not outcome.dump:
        return
    wanted = [(outcome.dump, 0o700), *((path, 0o600) for path in outcome.dump.iterdir())]
    for path, mode in wanted:
        if (found := path.stat().st_mode & 0o7777) != mode:
            yield f"the mode of '{path.name}' is {found:04o}, not {mode:04o}"


def has_log(outcome: Outcome) -> Iterator[str]:
    if not outcome.dump or not (outcome.dump / dump_files.LOG).exists():
        yield f"there is no '{dump_files.LOG}'"


def says(pattern: str) -> Check:
    """Something on the console after the panic matches."""

    def check(outcome: Outcome) -> Iterator[str]:
        if not re.search(pattern, outcome.serial_after_panic(), re.MULTILINE):
            yield f"nothing on the console matches '{pattern}'"

    return check


def has_left(name: str) -> Check:
    """An older dump is still there."""

    def check(outcome: Outcome) -> Iterator[str]:
        if name not in _dumps_on_target(outcome):
            yield f"the older dump '{name}' is gone"

    return check


def has_removed(name: str) -> Check:
    def check(outcome: Outcome) -> Iterator[str]:
        if name in _dumps_on_target(outcome):
            yield f"the older dump '{name}' is still there"

    return check


def _dumps_on_target(outcome: Outcome) -> set[str]:
    return {path.name for path in outcome.dump.parent.iterdir()} if outcome.dump else set()


def has_initrd_of_at_most(limit_bytes: int) -> Check:
    def check(outcome: Outcome) -> Iterator[str]:
        if outcome.initrd_bytes > limit_bytes:
            yield f"the initrd has {outcome.initrd_bytes} bytes, more than {limit_bytes}"

    return check


def is_done_within(limit_seconds: float) -> Check:
    """From init's start to the reboot."""

    def check(outcome: Outcome) -> Iterator[str]:
        seconds = outcome.seconds()
        if "init" not in seconds:
            yield "the crash kernel never started init"
        elif (took := seconds["end"] - seconds["init"]) > limit_seconds:
            yield f"from init to the reboot it took {took:.1f} s, more than {limit_seconds}"

    return check


def is_ended_by_watchdog(timeout_seconds: float) -> Check:
    """The machine was made to stand still and was restarted as late as a watchdog does it that is fed each second."""

    def check(outcome: Outcome) -> Iterator[str]:
        harm = outcome.run.seconds_of(f"guest: saboteur: {outcome.setup.saboteur}")
        if harm is None:
            yield "nothing made the machine stand still"
            return
        took = outcome.run.seconds - harm
        if not timeout_seconds - FEEDING_SECONDS <= took <= timeout_seconds + RESTART_SECONDS:
            yield f"the machine stood still for {took:.1f} s, with a watchdog of {timeout_seconds} s"

    return check


def has_field_of_at_most(name: str, limit: int) -> Check:
    """A number in the summary line."""

    def check(outcome: Outcome) -> Iterator[str]:
        value = outcome.summary().get(name, "")
        if not value.isdecimal():
            yield f"the summary has no number '{name}'"
        elif int(value) > limit:
            yield f"the summary's {name} is {value}, more than {limit}"

    return check


def has_fields(*names: str) -> Check:
    def check(outcome: Outcome) -> Iterator[str]:
        if missing := [name for name in names if name not in outcome.summary()]:
            yield f"the summary lacks {', '.join(missing)}"

    return check


def reads_vmlinux(check: Check) -> Check:
    """Marks a check that needs the debug kernel."""
    _reading_vmlinux.append(check)
    return check


def any_reads_vmlinux(checks: list[Check]) -> bool:
    return any(check in _reading_vmlinux for check in checks)


@reads_vmlinux
def agrees_with_reference(outcome: Outcome) -> Iterator[str]:
    """Pages, bytes and other people's readers, as tests/reference has them."""
    if not REFERENCE_CHECK.exists() or not outcome.dump:
        yield f"'{REFERENCE_CHECK}' or the dump is missing"
        return
    command = [sys.executable, str(REFERENCE_CHECK), "--crash", "--level", str(outcome.setup.level)]
    command += ["--vmlinux", str(kernels.fetch_vmlinux(outcome.setup.kernel))]
    if outcome.summary().get("result") == "incomplete":
        command += ["--dump", str(outcome.dump / dump_files.INCOMPLETE)]
        command += ["--incomplete", outcome.summary()["dumped"]]
    else:
        command += ["--dump", str(outcome.dump / dump_files.COMPLETE), "--drgn", "--task", PANICKING_TASK]
    if outcome.raw:
        command += ["--raw", str(outcome.raw)]
        # Debian's makedumpfile picks other pages on 6.12 than that kernel's own values say.
        command += ["--makedumpfile"] if outcome.setup.kernel == "6.1" else []
    answer = subprocess.run(command, check=False, capture_output=True, text=True)
    (outcome.folder / "reference.txt").write_text(answer.stdout + answer.stderr)
    if answer.returncode != 0:
        yield f"the reference check failed:\n{answer.stdout}{answer.stderr}"


def agrees_at_every_level(shape: str, contents: list[str], makedumpfile_levels: str | None = None) -> Check:
    """The engine, run over the raw vmcore at each of the 32 levels, picks the references' pages.

    And the vmcore has the contents it was made to have.
    """

    @reads_vmlinux
    def check(outcome: Outcome) -> Iterator[str]:
        if not outcome.raw:
            yield "there is no raw vmcore"
            return
        kernel = outcome.setup.kernel
        command = [sys.executable, str(LEVELS_CHECK), str(outcome.raw), str(kernels.fetch_vmlinux(kernel))]
        command += ["--expect", ",".join(contents), "--shape", shape]
        makedumpfile = "makedumpfile" if kernel == "6.1" else os.environ.get(NEWER_MAKEDUMPFILE_VARIABLE)
        if makedumpfile:
            command += ["--makedumpfile", makedumpfile]
            command += ["--makedumpfile-levels", makedumpfile_levels] if makedumpfile_levels else []
        if results := os.environ.get(RESULTS_VARIABLE):
            command += ["--results", results]
        answer = subprocess.run(command, check=False, capture_output=True, text=True)
        (outcome.folder / "levels.txt").write_text(answer.stdout + answer.stderr)
        if answer.returncode != 0:
            yield f"the check of all levels failed:\n{answer.stdout}{answer.stderr}"

    return check


ALWAYS: list[Check] = [reboots, is_truthful, is_private, keeps_to_its_memory]
SAVED: list[Check] = [has_summary("saved"), has_dump, has_kernel_log, has_log]
KERNEL_LOG_ONLY: list[Check] = [has_summary("dmesg-only", "incomplete"), has_no_dump, has_kernel_log, has_log]


def complaints(outcome: Outcome, checks: list[Check]) -> list[str]:
    return [complaint for check in ALWAYS + checks for complaint in check(outcome)]
