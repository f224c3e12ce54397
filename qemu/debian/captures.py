# SPDX-License-Identifier: GPL-2.0-or-later
"""What an administrator does and sees: install the package, reboot, lose a kernel, find its dump."""

import functools
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from harness import dump_files, kernels, test_modules
from harness.checks import PANICKING_TASK, REFERENCE_CHECK
from harness.crash import parse_summary

from . import system_image
from .guest import PARCELS, Crash, Guest

DUMPS = "/var/crash"
INSTALL_SECONDS = 600


@dataclass(frozen=True)
class Tried:
    """The programs under test."""

    package: Path
    command: Path  # lifeboat, to look at dumps from outside
    folder: Path


@dataclass(frozen=True)
class Panic:
    """A way to lose the kernel, and what its log then says. The task that does it has a name that debuggers find."""

    command: str
    says: str
    task: str = PANICKING_TASK
    is_oops: bool = False


SYSRQ = Panic("echo c > /proc/sysrq-trigger", "sysrq triggered crash")
BUG = Panic(
    f"echo 1 > /proc/sys/kernel/panic_on_oops; insmod {PARCELS}/lifeboat_bug.ko",
    "kernel BUG at ",
    task="insmod",
    is_oops=True,
)

Flow = Callable[[Tried], Iterator[str]]
Summary = dict[str, str]  # the fields of the closing line


def captures(line: str, *panics: Panic) -> Flow:
    """On the system with a kernel of this line, each of the panics is captured to the root file system."""

    def flow(tried: Tried) -> Iterator[str]:
        kernels.require(line, kernels.vmlinux)
        if BUG in panics:
            kernels.require(line, functools.partial(test_modules.made_for, "bug"))
        image = system_image.fetch(line)
        parcels = [tried.package, test_modules.fetch("bug", line)] if BUG in panics else [tried.package]
        with Guest(image, tried.folder, parcels) as guest:
            install(guest)
            _measure(guest)
            summaries: list[Summary] = []
            for panic in panics:
                yield from capture(guest, panic, summaries)
            guest.power_off()
        yield from look_at_dumps(guest, tried, line, panics, summaries)

    return flow


def install(guest: Guest) -> None:
    """From the first boot to the system that is ready for a panic."""
    guest.log_in()
    guest.unpack_parcels()
    answer = guest.run(f"dpkg -i {PARCELS}/lifeboat_*.deb", INSTALL_SECONDS)
    print(answer.output, flush=True)
    if answer.status != 0:
        raise RuntimeError("the package cannot be installed")
    guest.reboot()


def tell(name: str, value) -> None:
    """A measured number, for whoever reads the output or collects it."""
    print(f"measured {name}={value}", flush=True)


def tell_seconds(name: str, seconds: float, cpu_seconds: float) -> None:
    """On a busy host the first say little; the other are those that QEMU has had of its CPUs."""
    tell(f"{name}_seconds", f"{seconds:.1f}")
    tell(f"{name}_cpu_seconds", f"{cpu_seconds:.1f}")


def panic_as_named_task(guest: Guest, panic: Panic) -> Crash:
    guest.check(f"ln -sf /bin/sh /run/{PANICKING_TASK}")
    return guest.crash(f"/run/{PANICKING_TASK} -c '{panic.command}; true'")


def _measure(guest: Guest) -> None:
    packed = guest.run("lifeboat pack", INSTALL_SECONDS)
    print(packed.output, flush=True)
    tell_seconds("build", packed.seconds, packed.cpu_seconds)
    sizes = re.search(r"(?m)^initrd +(\d+) bytes packed, (\d+) unpacked", packed.output)
    tell("initrd_bytes", sizes[1] if sizes else "unknown")
    tell("initrd_unpacked_bytes", sizes[2] if sizes else "unknown")
    if loaded := guest.check("lifeboat load"):
        print(loaded, flush=True)


def capture(guest: Guest, panic: Panic, summaries: list[Summary]) -> Iterator[str]:
    """One more panic, as many as `summaries` has are there already: saved, listed, told of, and ready for the next."""
    yield from is_ready(guest)
    before = guest.check("cat /etc/machine-id; cat /proc/sys/kernel/random/boot_id").split()
    crash = panic_as_named_task(guest, panic)
    print(f"after the panic: crash kernel {crash.crash_kernel}, init {crash.init}, restart {crash.restart}", flush=True)
    tell_seconds("panic_to_restart", crash.restart, crash.cpu_seconds)
    summary = parse_summary(crash.text)
    summaries.append(summary)
    number = len(summaries)
    print("summary", *(f"{field}={value}" for field, value in summary.items()), flush=True)
    if summary.get("result") != "saved":
        yield f"the summary after panic {number} is not result=saved"
    guest.log_in()
    after = guest.check("cat /etc/machine-id; cat /proc/sys/kernel/random/boot_id").split()
    if after[0] != before[0] or after[1] == before[1]:
        yield f"after the panic another system or no other boot: {before} and {after}"
    listing = guest.run("lifeboat list")
    print(listing.output, flush=True)
    if listing.status != 0 or len(re.findall(r"\d{8}T\d{6}Z-guest", listing.output)) != number:
        yield f"'lifeboat list' has not {number} dumps: {listing.output}"
    journal = guest.check("journalctl --boot --no-pager --output=cat --unit=lifeboat-report.service")
    if not re.search(r"\d{8}T\d{6}Z-guest", journal):
        yield f"the journal does not tell of the capture: {journal}"
    yield from is_ready(guest)


def is_ready(guest: Guest) -> Iterator[str]:
    status = guest.run("lifeboat status")
    print(status.output, flush=True)
    if status.status != 0:
        yield f"'lifeboat status' ends with {status.status}: {status.output}"
    if failed := guest.check("systemctl list-units --failed --plain --no-legend"):
        yield f"units have failed: {failed}"


def look_at_dumps(
    guest: Guest, tried: Tried, line: str, panics: tuple[Panic, ...], summaries: list[Summary]
) -> Iterator[str]:
    """From outside, the machine is off."""
    place = tried.folder / "target"
    guest.extract(DUMPS, place)
    dumps = sorted(path for path in place.glob("*/*") if path.is_dir())
    if len(dumps) != len(panics):
        yield f"there are {len(dumps)} dumps, not {len(panics)}"
    for dump, panic, summary in zip(dumps, panics, summaries):
        yield from dump_files.differences(dump, summary)
        yield from _look_at_dump(dump, panic, tried, line)


def _look_at_dump(dump: Path, panic: Panic, tried: Tried, line: str) -> Iterator[str]:
    for row in dump_files.listing(dump):
        print(f"    {row}", flush=True)
    vmcore = dump / dump_files.COMPLETE
    header = dump_files.read_header(vmcore) if vmcore.exists() else None
    if header is None or not header.is_complete or header.level != 31:
        yield f"'{vmcore}' is no complete dump of level 31: {header}"
        return
    tell("dump_bytes", vmcore.stat().st_size)
    log = (dump / dump_files.KERNEL_LOG).read_text(errors="replace")
    for wanted in (panic.says, f"Comm: {panic.task}"):
        if wanted not in log:
            yield f"the kernel log has no '{wanted}'"
    verify = subprocess.run([tried.command, "verify", vmcore], capture_output=True, text=True, check=False)
    if verify.returncode != 0:
        yield f"'lifeboat verify' fails: {verify.stdout}{verify.stderr}"
    yield from _readers(vmcore, panic, line)


def _readers(vmcore: Path, panic: Panic, line: str) -> Iterator[str]:
    """Other people's: crash and drgn."""
    command = [sys.executable, str(REFERENCE_CHECK), "--crash", "--drgn", "--level", "31", "--task", panic.task]
    command += ["--oops"] if panic.is_oops else []
    command += ["--vmlinux", str(kernels.fetch_vmlinux(line)), "--dump", str(vmcore)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        yield f"the reference check failed:\n{answer.stdout}{answer.stderr}"
