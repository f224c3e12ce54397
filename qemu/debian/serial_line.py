# SPDX-License-Identifier: GPL-2.0-or-later
"""The serial line of a machine that lives through several boots: what it says is waited for, and it is answered."""

import os
import re
import select
import subprocess
import time
from typing import BinaryIO

from harness.machine import STALLED_SECONDS, TICK_SECONDS, LostMachine, died_in_silence
from harness.monitor import Monitor, MonitorError
from harness.vcpus import VirtualCpus

# Alone the longest silence is some 10 s. GRUB reads through the BIOS in small pieces, each a round trip between QEMU's
# threads, and the kernel unpacks itself: beside twenty busy processes each has taken more than 60 s.
SILENT_BOOT_SECONDS = 300
# GRUB's last word. What comes after it, before the kernel's first, is the kernel unpacking itself.
KERNEL_STARTS = "Loading initial ramdisk ..."


class Unanswered(Exception):
    """The machine did not say in time what was waited for."""


class SerialLine:
    """line.connect(process, monitor); line.wait_for("login: ", seconds=90); line.send("root\\n")

    The text goes on when the line is connected to the machine's next life.

    Each wait begins behind what the one before has found. Times are in seconds after power-on; a limit does not count
    those in which the host had others on its CPUs: beside two other emulated machines a boot of one minute takes ten.
    """

    def __init__(self, log: BinaryIO) -> None:
        self._process: subprocess.Popen
        self._monitor: Monitor
        self._cpus: VirtualCpus
        self._log = log
        self._start = time.monotonic()
        self._last_word = self._start
        self._text = ""
        self._position = 0
        self._starved = 0.0
        self._arrivals: list[tuple[int, float]] = []  # from this place of the text on, when it came

    def connect(self, process: subprocess.Popen, monitor: Monitor) -> None:
        self._process = process
        self._monitor = monitor
        self._cpus = VirtualCpus(monitor)
        self._starved = 0.0

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start

    @property
    def text(self) -> str:
        """All that has come, since power-on."""
        return self._text

    @property
    def position(self) -> int:
        """Where the next wait begins, in the text."""
        return self._position

    def send(self, text: str) -> None:
        self._process.stdin.write(text.encode())
        self._process.stdin.flush()

    def wait_for(self, pattern: str, seconds: float) -> re.Match:
        """The first place that matches; LostMachine when there is no machine to wait for any more."""
        wanted = re.compile(pattern)
        last_tick = time.monotonic()
        deadline = self._deadline_in(seconds)
        while not (found := wanted.search(self._text, self._position)):
            now = time.monotonic()
            if now - last_tick > STALLED_SECONDS:
                raise LostMachine(f"the host stood still for {now - last_tick:.0f} s")
            last_tick = now
            if self._own_seconds() > deadline:
                raise Unanswered(
                    f"nothing matched '{pattern}' within {seconds:.0f} s; {self._monitor.where_the_cpus_are()}"
                )
            if not self._take():
                raise LostMachine(f"QEMU ended with status {self._process.wait()}")
            self._check_life()
        self._position = found.end()
        return found

    def wait_for_end(self, seconds: float) -> None:
        """Until the machine is off."""
        deadline = self._deadline_in(seconds)
        while self._take():
            if self._own_seconds() > deadline:
                raise Unanswered(f"the machine did not go down within {seconds:.0f} s")
        self._position = len(self._text)
        if status := self._process.wait():
            raise LostMachine(f"QEMU ended with status {status}")

    def seconds_of(self, place: int) -> float:
        """When the text at this place came."""
        return next((seconds for start, seconds in reversed(self._arrivals) if start <= place), 0.0)

    def _deadline_in(self, seconds: float) -> float:
        return self._own_seconds() + seconds

    def _own_seconds(self) -> float:
        """Of the time since power-on, what the host did not keep from it."""
        try:
            starved = self._cpus.starved_seconds()
        except (MonitorError, OSError):
            starved = self._starved  # it ends, or has ended
        self._starved = starved
        return time.monotonic() - starved

    def _take(self) -> bool:
        """Takes what has arrived within one tick; False at the end."""
        output = self._process.stdout.fileno()
        if not select.select([output], [], [], TICK_SECONDS)[0]:
            return True
        data = os.read(output, 65536)
        if not data:
            return False
        self._last_word = time.monotonic()
        self._log.write(data)
        self._log.flush()
        self._arrivals.append((len(self._text), self.seconds))
        self._text += data.decode(errors="replace").replace("\r", "")
        return True

    def _check_life(self) -> None:
        if time.monotonic() - self._last_word < SILENT_BOOT_SECONDS:
            return
        text = self._text[self._position :]
        if died_in_silence(text.splitlines()) or text.rstrip().endswith(KERNEL_STARTS):
            where = self._monitor.where_the_cpus_are()
            raise LostMachine(f"a kernel fell silent in its boot, before init, for {SILENT_BOOT_SECONDS} s; {where}")
