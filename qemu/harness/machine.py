# SPDX-License-Identifier: GPL-2.0-or-later
"""One run of a virtual machine under QEMU, from power-on to its reboot."""

import os
import re
import select
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from . import clock
from .acceleration import QEMU, acceleration, is_emulated
from .monitor import Monitor, MonitorError
from .vcpus import Sample, VirtualCpus, verdict

# UEFI for q35, of the package ovmf.
OVMF_CODE = Path("/usr/share/OVMF/OVMF_CODE_4M.fd")
OVMF_VARIABLES = Path("/usr/share/OVMF/OVMF_VARS_4M.fd")

# A machine that says nothing for this long after power-on never started.
FIRST_WORD_SECONDS = 60
# A kernel that has begun to boot, has not started init, and says nothing for this long will not go on. On a
# busy host with emulation the longest silence seen between two of these lines is a few seconds.
SILENT_BOOT_SECONDS = 60
FIRST_LINE = "Linux version "
LAST_LINE = "Run /init as init process"
# After init a silence is the case's own affair, unless it is seen on the CPUs that no program in the guest can be at
# fault: they are looked at this often then, and judged.
SILENT_SECONDS = 60
SILENT_SAMPLES = 25
# A kernel that stopped for a reason has given it: that, too, is the case's own affair.
REASONS = re.compile(
    "Kernel panic|Out of memory|oom-kill|invoked oom-killer|page allocation failure|BUG|Oops|WARNING"
    "|Call Trace|general protection|soft lockup|hard LOCKUP|rcu.*stall|blocked for more than|Initramfs unpacking failed"
)
# We look at the clock this often; a much longer gap means that the host stood still.
TICK_SECONDS = 1
STALLED_SECONDS = 30


class LostMachine(Exception):
    """The virtual machine was lost: nothing is known about the case it ran."""


@dataclass(frozen=True)
class Bus:
    """How QEMU attaches disks: to these controllers, each as such a device."""

    device: str
    controllers: tuple[str, ...] = ()


BUSES = {
    "scsi": Bus("scsi-hd", ("virtio-scsi-pci,id=scsi",)),
    "blk": Bus("virtio-blk-pci"),
    "sata": Bus("ide-hd,bus=sata.{number}", ("ich9-ahci,id=sata",)),
    "nvme": Bus("nvme"),
    "usb": Bus("usb-storage,bus=usb.0", ("qemu-xhci,id=usb",)),
    "megasas": Bus("scsi-hd", ("megasas,id=raid",)),
    "pvscsi": Bus("scsi-hd", ("pvscsi,id=vmware",)),
}


@dataclass
class Line:
    """A line of the serial log and when it came, in seconds after power-on."""

    seconds: float
    text: str


@dataclass
class Request:
    """When a line of the guest's has these words, QEMU is told to do this: commands with their arguments."""

    words: str
    commands: list[tuple[str, dict]]
    after_seconds: float = 0


@dataclass
class Machine:
    """What to run. The guest sees the disks in this order; each is an image, as QEMU names it,
    and the image's name is the device's too. Without a kernel it boots from the first disk."""

    kernel: Path | None = None
    initrd: Path | None = None
    command_line: str = ""
    memory: str = "2G"
    cpus: int = 2
    five_levels: bool = True
    bus: str = "scsi"
    disks: list[str] = field(default_factory=list)
    absent_disks: set[int] = field(default_factory=set)  # QEMU has the image, and the machine not yet the device
    disk_options: list[str] = field(default_factory=list)  # of each disk, or of none
    cpu_room: int = 0  # CPUs that may come while the machine runs
    dimm_room: int = 0  # MiB that may come while the machine runs, in one DIMM
    devices: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    may_stand_still: bool = False  # the case makes it: that no CPU takes an interrupt is no sign of a lost machine
    firmware_variables: Path | None = None  # UEFI with these, a copy of OVMF_VARIABLES; none: a BIOS

    def run(self, serial_log: Path, deadline_seconds: float) -> "Run":
        """Runs until the guest reboots or the deadline passes."""
        with Monitor() as monitor, serial_log.open("wb") as log, self.start(monitor, subprocess.DEVNULL) as process:
            try:
                tsc_khz = clock.host_tsc_khz() if is_emulated() else None
                watch = _Watch(process, monitor, self.requests, log, deadline_seconds, tsc_khz)
                watch.cpus = None if self.may_stand_still else VirtualCpus(monitor)
                run = watch.watch()
            finally:
                process.kill()
        if not run.timed_out and process.returncode != 0:
            raise LostMachine(f"QEMU ended with status {process.returncode}: {run.errors()}")
        return run

    def start(self, monitor: Monitor, stdin: int = subprocess.PIPE) -> subprocess.Popen:
        """QEMU, which ends when the guest reboots; the serial line is its standard input and output."""
        return subprocess.Popen(
            [*self._command(), *monitor.options()],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=monitor.inherited(),
        )

    def _command(self) -> list[str]:
        cpu = "max" if self.five_levels else "max,la57=off"
        command = [*QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
        command += ["-machine", "q35", "-accel", acceleration(), "-cpu", cpu]
        room = f",slots=1,maxmem={mebibytes(self.memory) + self.dimm_room}M" if self.dimm_room else ""
        cpus = f"{self.cpus},maxcpus={self.cpus + self.cpu_room}"
        command += ["-m", f"{self.memory}{room}", "-smp", cpus, "-serial", "stdio"]
        if self.firmware_variables:
            command += ["-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={OVMF_CODE}"]
            command += ["-drive", f"if=pflash,format=raw,unit=1,file={self.firmware_variables}"]
        if self.kernel:
            command += ["-kernel", str(self.kernel), "-initrd", str(self.initrd), "-append", self.command_line]
        command += [word for device in self.devices for word in ("-device", device)]
        return command + self._disk_options()

    def _disk_options(self) -> list[str]:
        bus = BUSES[self.bus]
        options = [word for device in bus.controllers for word in ("-device", device)]
        for number, image in enumerate(self.disks):
            drive = f"if=none,id=disk{number},file={image},format=raw,cache=unsafe,discard=unmap"
            drive += self.disk_options[number] if self.disk_options else ""
            serial = Path(image).stem
            device = f"{bus.device.format(number=number)},id={serial},drive=disk{number},serial={serial}"
            # A BIOS does not take the first disk of each controller by itself; a kernel that QEMU loads has index 0.
            if not self.kernel:
                device += f",bootindex={number}"
            options += ["-drive", drive]
            if number not in self.absent_disks:
                options += ["-device", device]
        return options


def device_arguments(bus: str, number: int, name: str) -> dict:
    """For a disk that comes later, as QMP's device_add takes it."""
    driver = BUSES[bus].device.partition(",")[0]
    return {"driver": driver, "id": name, "drive": f"disk{number}", "serial": name}


@dataclass
class Run:
    """What came of a run."""

    lines: list[Line]
    seconds: float
    timed_out: bool

    def text(self) -> str:
        return "\n".join(line.text for line in self.lines)

    def seconds_of(self, part: str, after: float = 0) -> float | None:
        """When the first line with `part` in it came."""
        found = (line.seconds for line in self.lines if part in line.text and line.seconds >= after)
        return next(found, None)

    def errors(self) -> str:
        return self.lines[-1].text if self.lines else "no output"


def of_last_kernel(lines: list[str]) -> list[str]:
    """From its first line on; none where there is no kernel yet."""
    starts = [number for number, line in enumerate(lines) if FIRST_LINE in line]
    return lines[starts[-1] :] if starts else []


def fell_silent(lines: list[str]) -> bool:
    """Whether the last kernel in a log has begun and gave no reason to stop."""
    last = of_last_kernel(lines)
    return bool(last) and not any(REASONS.search(line) for line in last)


def died_in_silence(lines: list[str]) -> bool:
    """Whether it stopped between its first line and init, too."""
    return fell_silent(lines) and not any(LAST_LINE in line for line in of_last_kernel(lines))


class _Watch:
    """Reads the serial line, stamps what arrives, and keeps the deadlines."""

    def __init__(
        self,
        process: subprocess.Popen,
        monitor: Monitor,
        requests: list[Request],
        log,
        deadline_seconds: float,
        tsc_khz: int | None = None,
    ) -> None:
        self._process = process
        self._monitor = monitor
        self.cpus: VirtualCpus | None = None
        self._samples: list[Sample] = []
        self._requests = list(requests)
        self._due: list[tuple[float, Request]] = []
        self._log = log
        self._start = time.monotonic()
        self._deadline = self._start + deadline_seconds
        self._last_word = self._start
        self._lines: list[Line] = []
        self._rest = b""
        self._tsc_khz = tsc_khz

    def watch(self) -> Run:
        last_tick = self._start
        while (now := time.monotonic()) < self._deadline:
            if now - last_tick > STALLED_SECONDS:
                raise LostMachine(f"the host stood still for {now - last_tick:.0f} s")
            last_tick = now
            self._do_what_is_due()
            if not self._lines and now - self._start > FIRST_WORD_SECONDS:
                raise LostMachine(f"no output for {FIRST_WORD_SECONDS} s")
            if now - self._last_word > SILENT_BOOT_SECONDS and died_in_silence(self._texts()):
                raise LostMachine(
                    f"a kernel fell silent in its boot, before init, and gave no reason, for {SILENT_BOOT_SECONDS} s; "
                    + self._monitor.where_the_cpus_are()
                )
            if self.cpus and now - self._last_word > SILENT_SECONDS and fell_silent(self._texts()):
                self._judge_silence(self.cpus)
            if not self._take():
                self._process.wait()
                return Run(self._lines, time.monotonic() - self._start, timed_out=False)
        return Run(self._lines, time.monotonic() - self._start, timed_out=True)

    def _judge_silence(self, cpus: VirtualCpus) -> None:
        """Takes a sample, and after enough of them says whose the silence is."""
        try:
            self._samples.append(cpus.sample())
        except MonitorError as error:
            raise LostMachine(f"silent for {SILENT_SECONDS} s, and QEMU does not answer: {error}") from None
        if len(self._samples) < SILENT_SAMPLES:
            return
        if reason := verdict(self._samples):
            raise LostMachine(f"silent for {SILENT_SECONDS} s, then {reason}; {self._monitor.where_the_cpus_are()}")
        self._samples.clear()

    def _take(self) -> bool:
        """Takes what has arrived within one tick; False at the end."""
        output = self._process.stdout.fileno()
        if not select.select([output], [], [], TICK_SECONDS)[0]:
            return True
        data = os.read(output, 65536)
        self._last_word = time.monotonic()
        self._samples.clear()
        self._log.write(data)
        self._log.flush()
        *whole, self._rest = (self._rest + data).split(b"\n")
        seconds = time.monotonic() - self._start
        new = [Line(seconds, line.decode(errors="replace").rstrip("\r")) for line in whole]
        for line in new:
            if wrong := clock.what_is_wrong(line.text, self._tsc_khz):
                raise LostMachine(wrong)
        self._lines += new
        self._answer(new)
        return bool(data)

    def _answer(self, lines: list[Line]) -> None:
        """Does what the guest asks for; each request is answered once."""
        for request in self._requests[:]:
            if any(request.words in line.text for line in lines):
                self._requests.remove(request)
                self._due.append((time.monotonic() + request.after_seconds, request))

    def _do_what_is_due(self) -> None:
        for when, request in self._due[:]:
            if time.monotonic() < when:
                continue
            self._due.remove((when, request))
            for command, arguments in request.commands:
                self._monitor.execute(command, **arguments)

    def _texts(self) -> list[str]:
        """All that has come, the line that has no end yet too."""
        return [line.text for line in self._lines] + [self._rest.decode(errors="replace")]


def mebibytes(memory: str) -> int:
    """QEMU's notation of a size, "512M" or "2G"."""
    return int(memory[:-1]) * {"M": 1, "G": 1024}[memory[-1]]
