# SPDX-License-Identifier: GPL-2.0-or-later
"""A full Debian system in QEMU, used over its serial console as a person would."""

import os
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from harness.disk import extract
from harness.machine import OVMF_VARIABLES, Machine
from harness.monitor import Monitor

from . import disk_image
from .serial_line import SerialLine
from .system_image import PASSWORD, SystemImage

SERIAL_LOG = "serial.log"
# Emulated, on cores that others may be using too: ten times as long as alone.
BOOT_SECONDS = 600
COMMAND_SECONDS = 180
CRASH_SECONDS = 600
# As the guest sees them.
PARCELS_DISK = "/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_parcels"
PARCELS = "/root/parcels"


@dataclass(frozen=True)
class Answer:
    """What a command in the guest said on both of its outputs, and its exit status."""

    status: int
    output: str
    seconds: float
    cpu_seconds: float  # of QEMU's


class CommandFailed(Exception):
    """A command in the guest failed that must not."""


@dataclass(frozen=True)
class Crash:
    """When things happened, in seconds after the panic; None for what did not."""

    crash_kernel: float | None
    init: float | None
    restart: float | None
    text: str
    cpu_seconds: float  # that QEMU has had from the panic to the restart


class Guest:
    """with Guest(image, folder) as guest: guest.log_in(); guest.check("systemctl is-system-running")

    Works on a copy of the image in `folder`, where the serial log is too. `parcels` are files that the guest finds in
    /root/parcels after unpack_parcels(). `cpu_room` CPUs and a DIMM of `dimm_room` MiB may come while it runs.
    """

    def __init__(
        self,
        image: SystemImage,
        folder: Path,
        parcels: list[Path] | None = None,
        memory: str = "1G",
        cpus: int = 2,
        cpu_room: int = 0,
        dimm_room: int = 0,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.release = image.release
        self.disk = folder / "disk.img"
        self._folder = folder
        self._asked = 0
        subprocess.run(["cp", "--sparse=always", image.disk, self.disk], check=True)
        _pack(parcels or [], folder / "parcels.img")
        disks = [str(self.disk), str(folder / "parcels.img")]
        self._machine = Machine(memory=memory, cpus=cpus, cpu_room=cpu_room, dimm_room=dimm_room, disks=disks)

    def __enter__(self) -> "Guest":
        self._log = (self._folder / SERIAL_LOG).open("wb")
        self.line = SerialLine(self._log)
        self.power_on()
        return self

    def __exit__(self, *_) -> None:
        self.pull_the_plug()
        self._log.close()

    def use_uefi(self) -> None:
        """From the next power-on on; the disk needs a boot loader for it then."""
        self._machine.firmware_variables = self._folder / "firmware.variables"
        shutil.copy(OVMF_VARIABLES, self._machine.firmware_variables)

    def use_bus(self, bus: str) -> None:
        """From the next power-on on the disks are attached in this way, one of harness.machine.BUSES."""
        self._machine.bus = bus

    def power_on(self) -> None:
        """For a reboot too: QEMU ends when the guest reboots, is reset or loses its power."""
        self._monitor = Monitor()
        self._process = self._machine.start(self._monitor)
        self.line.connect(self._process, self._monitor)

    def pull_the_plug(self) -> None:
        """As a power cut does it."""
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()
        self._monitor.__exit__()

    def come_back(self) -> None:
        """Once the machine has restarted."""
        self.line.wait_for_end(COMMAND_SECONDS)
        self.pull_the_plug()
        self.power_on()

    def log_in(self, seconds: float = BOOT_SECONDS) -> None:
        """From wherever the boot is, to a shell that neither echoes nor prompts."""
        self.line.wait_for("login: ", seconds)
        self.line.send("root\n")
        self.line.wait_for("Password: ", COMMAND_SECONDS)
        self.line.send(f"{PASSWORD}\n")
        self.line.wait_for("# ", COMMAND_SECONDS)
        # Kernel messages below a panic's would come amid the commands' output.
        self.line.send("dmesg -n 1; export TERM=dumb PAGER=cat SYSTEMD_COLORS=0; exec sh\n")
        self.line.send("stty -echo; PS1=; PS2=\n")
        self.run("true")

    def run(self, command: str, seconds: float = COMMAND_SECONDS) -> Answer:
        self._asked += 1
        start, cpu_start = self.line.seconds, self._cpu_seconds()
        # The marker is put together by the guest, so that it is not found in an echo of the command.
        self.line.send(f"{{ {command}\n}} </dev/null 2>&1; printf '@%s-%d:%d@\\n' done {self._asked} $?\n")
        begin = self.line.position
        found = self.line.wait_for(rf"@done-{self._asked}:(\d+)@\n", seconds)
        output = self.line.text[begin : found.start()]
        return Answer(int(found[1]), output, self.line.seconds - start, self._cpu_seconds() - cpu_start)

    def check(self, command: str, seconds: float = COMMAND_SECONDS) -> str:
        """Its output; CommandFailed when it fails."""
        answer = self.run(command, seconds)
        if answer.status != 0:
            raise CommandFailed(f"'{command}' in the guest ended with status {answer.status}: {answer.output}")
        return answer.output

    def wait_until_up(self, seconds: float = BOOT_SECONDS) -> None:
        """Until all units have started that a boot starts: the login prompt comes before the last of them."""
        self.run("systemctl is-system-running --wait", seconds)

    def unpack_parcels(self) -> None:
        self.check(f"mkdir -p {PARCELS} && tar -x -C {PARCELS} -f {PARCELS_DISK}")

    def reboot(self) -> None:
        self.restart()
        self.log_in()

    def restart(self) -> None:
        """As far as the boot loader's beginning."""
        self.line.send("systemctl reboot\n")
        self.line.wait_for("reboot: Restarting system", COMMAND_SECONDS)
        self.come_back()

    def plug_dimm(self, mebibytes: int) -> None:
        backend = {"qom-type": "memory-backend-ram", "id": "dimm-memory", "size": mebibytes << 20}
        self._monitor.execute("object-add", **backend)
        self._monitor.execute("device_add", driver="pc-dimm", id="dimm", memdev="dimm-memory")

    def plug_cpu(self) -> None:
        places = self._monitor.execute("query-hotpluggable-cpus")
        free = next(place for place in places if "qom-path" not in place)
        self._monitor.execute("device_add", driver=free["type"], id="late-cpu", **free["props"])

    def reset(self) -> None:
        """As the button does it."""
        self.pull_the_plug()
        self.power_on()

    def power_off(self) -> None:
        """Everything is on the disk then, and the file systems are clean."""
        self.line.send("systemctl poweroff\n")
        self.line.wait_for_end(COMMAND_SECONDS)

    def crash(self, command: str = "echo c > /proc/sysrq-trigger", seconds: float = CRASH_SECONDS) -> Crash:
        """Has the command panic the kernel, and waits until the crash kernel has restarted the machine."""
        self.line.send(f"{command}\n")
        # An oops that panics goes over to the crash kernel before that line.
        found = self.line.wait_for("Kernel panic - not syncing|Linux version", COMMAND_SECONDS)
        panic, cpu_start = self._when(found), self._cpu_seconds()
        begin = found.start()
        end = self._when(self.line.wait_for("reboot: (Restarting system|machine restart)|Rebooting in", seconds))
        text = self.line.text[begin : self.line.position]
        cpu_seconds = self._cpu_seconds() - cpu_start
        self.come_back()
        kernel = self._after(panic, begin, "Linux version")
        return Crash(kernel, self._after(panic, begin, "Run /init as init"), end - panic, text, cpu_seconds)

    def _cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(int(ticks) for ticks in fields[11:13]) / os.sysconf("SC_CLK_TCK")

    def _when(self, found) -> float:
        return self.line.seconds_of(found.start())

    def _after(self, panic: float, begin: int, words: str) -> float | None:
        place = self.line.text.find(words, begin)
        return None if place < 0 else self.line.seconds_of(place) - panic

    def extract(self, inside: str, target: Path) -> None:
        """Copies a folder out of the root file system; the machine has to be off."""
        extract(disk_image.root_device(self.disk), inside, target)


def _pack(files: list[Path], image: Path) -> None:
    """A disk that is a tar archive."""
    with tarfile.open(image, "w") as archive:
        for path in files:
            archive.add(path, path.name)
