# SPDX-License-Identifier: GPL-2.0-or-later
"""What a machine that says nothing is doing: its CPUs as the host sees their threads, and as QEMU's monitor shows them.

Of a CPU that runs, the monitor has the place where it last left its translated code, which may be seconds old; whether
it takes interrupts and whether it is halted is always as it is. Source of the times: Linux
Documentation/scheduler/sched-stats.rst, /proc/PID/task/TID/schedstat.
"""

from dataclasses import dataclass
from pathlib import Path

from .monitor import Monitor

# Halted (HLT=1) is a CPU that waits for an interrupt; bit 9 of the flags says whether it takes one.
INTERRUPTS_TAKEN = 1 << 9

# Of the time that it could have run, what the host kept from it; and so much of it at least.
STARVED_SHARE = 0.9
STARVED_SECONDS = 15.0
SPINNING_SECONDS = 2.0


@dataclass(frozen=True)
class Times:
    """Seconds since power-on, all CPUs together: run, and ready to run while the host had others on its own CPUs."""

    run: float
    waited: float

    def since(self, before: "Times") -> "Times":
        return Times(self.run - before.run, self.waited - before.waited)


@dataclass(frozen=True)
class Processor:
    """One CPU's state."""

    takes_interrupts: bool
    is_halted: bool


@dataclass(frozen=True)
class Sample:
    times: Times
    processors: tuple[Processor, ...]


class VirtualCpus:
    """Asks for it; MonitorError where QEMU does not answer."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self._threads: list[int] = []

    def times(self) -> Times:
        each = self._times_of_each()
        return Times(sum(times.run for times in each), sum(times.waited for times in each))

    def starved_seconds(self) -> float:
        """How long since power-on the host has kept a CPU waiting that had something to do: the one that waited most."""
        return max(times.waited for times in self._times_of_each())

    def _times_of_each(self) -> list[Times]:
        if not self._threads:
            self._threads = [cpu["thread-id"] for cpu in self._monitor.execute("query-cpus-fast")]
        rows = [Path(f"/proc/{thread}/schedstat").read_text().split() for thread in self._threads]
        return [Times(int(row[0]) / 1e9, int(row[1]) / 1e9) for row in rows]

    def sample(self) -> Sample:
        states = self._monitor.processor_states()
        processors = (Processor(bool(flags & INTERRUPTS_TAKEN), halted) for flags, halted in states)
        return Sample(self.times(), tuple(processors))


def verdict(samples: list[Sample]) -> str | None:
    """Why the silence is the kernel's or the host's, from samples over many seconds; none: it is the guest's own.

    No program in the guest can bring it about that no CPU takes an interrupt: each that ran, waited or hung would still
    be interrupted by the kernel's clock. It was seen of kernels from 7.1 on (see clock.py).
    """
    passed = samples[-1].times.since(samples[0].times)
    if passed.waited > STARVED_SHARE * (passed.run + passed.waited) and passed.waited >= STARVED_SECONDS:
        return f"the host let it run for {passed.run:.1f} s and wait for {passed.waited:.1f} s"
    processors = [cpu for sample in samples for cpu in sample.processors]
    if passed.run >= SPINNING_SECONDS and not any(cpu.takes_interrupts for cpu in processors):
        return f"its CPUs ran for {passed.run:.1f} s and none ever took an interrupt"
    return None
